import { byteOffset, isQuantized, lastExtent } from "@mamba/kernel";
import { writeBlocks } from "../blocks.ts";
import type { Op } from "../op.ts";

export const write: Op<"write"> = (runtime, _, target, start, data) => {
  const { storage, localAddress, dtype, shape } = target.unpacked();
  if (isQuantized(dtype))
    writeBlocks(runtime, "write", target, start / lastExtent(shape), data as Uint8Array);
  else storage.instance.heap.view(dtype, localAddress + byteOffset(dtype, start), data.length).set(data);
};
