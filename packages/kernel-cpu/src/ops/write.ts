import { byteOffset } from "@mamba/kernel";
import type { Op } from "../op.ts";

export const write: Op<"write"> = (runtime, _, { address, dtype }, start, data) => {
  runtime.heap.view(dtype, address + byteOffset(dtype, start), data.length).set(data);
};
