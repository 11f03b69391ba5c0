import { byteOffset } from "@mamba/kernel";
import type { Op } from "../op.ts";

export const write: Op<"write"> = (_, __, { storage, localAddress, dtype }, start, data) => {
  storage.instance.heap.view(dtype, localAddress + byteOffset(dtype, start), data.length).set(data);
};
