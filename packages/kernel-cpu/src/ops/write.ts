import { byteOffset } from "@mamba/kernel";
import type { Op } from "../op.ts";

export const write: Op<"write"> = (runtime, _, target, start, data) => {
  const { address, dtype } = target.unpacked();
  runtime.heap.view(dtype, address + byteOffset(dtype, start), data.length).set(data);
};
