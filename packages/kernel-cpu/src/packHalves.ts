import { lastExtent } from "@mamba/kernel";
import { ELEMENTWISE_CHUNK, type StorageType } from "./generated/records.ts";
import type { Runtime } from "./runtime.ts";
import type { CpuTensor } from "./tensor.ts";

/** Numbers that lie together in packed f16. */
const group = 8;

/** The bits of 64 in f16: larger numbers, infinities and NaNs cannot be packed. */
const limit = 0x5400;

/**
 * Returns the layout of a weight, for ops that read packed f16. All others call `unpacked`.
 *
 * @param pack true packs f16, which products with one row read faster. The memory is packed at the first such product rather
 * than when it is written, so that training, which writes it at every step, does not pay for it.
 */
export function storedType(runtime: Runtime, weight: CpuTensor, pack: boolean): StorageType {
  if (weight.dtype === "f16" && inGroups(weight)) {
    if (pack) packHalves(runtime, weight);
    if (weight.storage.restore) return "packedF16";
  }
  return weight.unpacked().dtype;
}

/** True when the rows of a weight are whole groups of its memory. */
function inGroups({ shape, offset, storage }: CpuTensor): boolean {
  return lastExtent(shape) % group === 0 && offset % group === 0 && storage.bytes % (2 * group) === 0;
}

/** Packs the memory of f16 weights when all its numbers are finite and below 64: see assembly/packHalves.ts. */
function packHalves(runtime: Runtime, weight: CpuTensor): void {
  const { storage } = weight;
  if (storage.restore || storage.unpackable === storage.version) return;
  const x = runtime.whole(weight);
  const [count] = x.shape as [number];
  if (largestBits(runtime, x, count) >= limit) {
    storage.unpackable = storage.version;
    return;
  }
  runtime.run("packHalves", { x, count, restore: false }, count);
  storage.restore = () => {
    runtime.run("packHalves", { x, count, restore: true }, count);
    storage.restore = undefined;
  };
}

/** The largest number of bits, without the sign. */
function largestBits(runtime: Runtime, x: CpuTensor, count: number): number {
  const units = Math.ceil(count / ELEMENTWISE_CHUNK);
  const largest = runtime.temporary("linear", 4 * units);
  try {
    runtime.run("halvesLargest", { x, largest, count }, count / 8);
    const bits = runtime.heap.copy("i32", largest.address, units) as Int32Array;
    return bits.reduce((a, b) => Math.max(a, b));
  } finally {
    runtime.heap.free(largest);
  }
}
