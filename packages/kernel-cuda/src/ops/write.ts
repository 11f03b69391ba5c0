import { byteOffset } from "@mamba/kernel";
import type { Op } from "../op.ts";
import { fill } from "../upload.ts";

export const write: Op<"write"> = (runtime, _sizes, target, start, data) => {
  fill(runtime, "write", target.address + byteOffset(target.dtype, start), data);
};
