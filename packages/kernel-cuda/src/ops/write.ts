import { byteOffset, formats, isQuantized } from "@mamba/kernel";
import type { Op } from "../op.ts";
import { writeBlocks } from "../quantized.ts";
import { fill } from "../upload.ts";

export const write: Op<"write"> = (runtime, _sizes, target, start, data) => {
  const { dtype } = target;
  if (isQuantized(dtype)) {
    writeBlocks(runtime, "write", target, start / formats[dtype].blockElements, data as Uint8Array);
  } else fill(runtime, "write", target.address + byteOffset(dtype, start), data);
};
