import { lastExtent } from "@mamba/kernel";
import type { StorageType } from "./generated/records.ts";
import type { Runtime } from "./runtime.ts";
import type { CpuTensor } from "./tensor.ts";

/** Numbers that lie together in packed f16. */
const group = 8;

/** The address of a weight and its layout, as fields of an argument record. */
export interface StoredWeight {
  readonly weight: number;
  readonly weightType: StorageType;
}

/**
 * Returns the address and the layout of a weight, for ops that read packed f16. All others call `unpacked`.
 *
 * @param pack true packs f16, which products with one row read faster. The memory is packed at the first such product rather
 * than when it is written, so that training, which writes it at every step, does not pay for it.
 */
export function storedWeight(runtime: Runtime, weight: CpuTensor, pack: boolean): StoredWeight {
  if (weight.dtype === "f16" && inGroups(weight)) {
    if (pack) packHalves(runtime, weight);
    if (weight.storage.restore) return { weight: weight.storedAddress, weightType: "packedF16" };
  }
  return { weight: weight.unpacked().address, weightType: weight.dtype };
}

/** True when the rows of a weight are whole groups of its memory. */
function inGroups({ shape, offset, storage }: CpuTensor): boolean {
  return lastExtent(shape) % group === 0 && offset % group === 0 && storage.bytes % (2 * group) === 0;
}

/** Packs the memory of f16 weights when all its numbers are finite and below 64: see assembly/packHalves.ts. */
function packHalves(runtime: Runtime, { storage }: CpuTensor): void {
  if (storage.restore || storage.unpackable === storage.version) return;
  const [x, count] = [storage.chunk.address, storage.bytes / 2];
  const flag = runtime.temporary("linear", 4);
  runtime.heap.writeWords(flag.address, Uint32Array.of(1));
  runtime.run("halvesFit", { x, fits: flag.address, count }, count / 8);
  const [fits] = runtime.heap.copy("i32", flag.address, 1);
  runtime.heap.free(flag);
  if (!fits) {
    storage.unpackable = storage.version;
    return;
  }
  runtime.run("packHalves", { x, count, restore: false }, count);
  storage.restore = () => {
    storage.restore = undefined;
    runtime.run("packHalves", { x, count, restore: true }, count);
  };
}
