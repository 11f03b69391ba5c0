import { isQuantized, type WeightDType } from "@mamba/kernel";
import type { KernelName } from "../kernels.ts";

/**
 * The most rows of a product for which `rowPlan` applies; with more rows, `tilePlan` does, unless the kernel is batch invariant.
 * Then `rowPlan` applies to any number of rows, in groups of this many.
 */
export const fewRows = 8;

const threads = 256;
/** Blocks of threads that fill a large GPU twice. Constant, so that the order of a sum does not depend on the device. */
const enoughBlocks = 264;

/** Outputs that the choice of the lanes assumes for a group of threads: the order of a sum must not depend on the number of rows. */
const assumedOutputs = 2;

/** GPU kernels of float weights: the rows of a group, and the outputs that a group of threads computes. */
const floatKernels = [
  { group: 1, outputs: 2 },
  { group: 4, outputs: 4 },
  { group: fewRows, outputs: 4 },
] as const;

/** GPU kernels of quantised weights, which skip the rows that a group lacks. */
const quantizedKernels = [
  { group: 1, outputs: 4 },
  { group: fewRows, outputs: 4 },
] as const;

/** The launch of a product with few rows. */
export interface RowPlan {
  readonly kernel: KernelName;
  readonly grid: number;
  /** Threads that together sum one output. */
  readonly lanes: number;
}

export function rowPlan(dtype: WeightDType, rows: number, inFeatures: number, outFeatures: number): RowPlan {
  const { kernel, group, outputs } = choose(dtype, rows);
  const reads = Math.ceil(inFeatures / numbersPerRead(dtype));
  const tiles = (lanes: number, each: number): number => Math.ceil(outFeatures / ((threads / lanes) * each));
  let lanes = 8;
  while (lanes < 32 && lanes < reads) lanes *= 2;
  // With few outputs, more threads sum each output, as long as each thread has work.
  while (lanes < threads && lanes < reads && tiles(lanes, assumedOutputs) < enoughBlocks) lanes *= 2;
  return { kernel, grid: tiles(lanes, outputs) * Math.ceil(rows / group), lanes };
}

function choose(dtype: WeightDType, rows: number): { kernel: KernelName; group: number; outputs: number } {
  if (isQuantized(dtype)) {
    const [one, large] = quantizedKernels;
    const { group, outputs } = rows === 1 ? one : large;
    return { kernel: `linear${group}_${dtype}`, group, outputs };
  }
  const [, , large] = floatKernels;
  const { group, outputs } = floatKernels.find((candidate) => rows <= candidate.group) ?? large;
  return { kernel: `linear${group}_${dtype}`, group, outputs };
}

/** Numbers of a row of the weight that a thread reads at a time: 16 bytes of floats, or a unit of a quantised block. */
function numbersPerRead(dtype: WeightDType): number {
  if (isQuantized(dtype)) return 16;
  return dtype === "f32" ? 4 : 8;
}
