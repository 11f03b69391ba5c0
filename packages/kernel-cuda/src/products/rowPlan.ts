import type { FloatDType } from "@mamba/kernel";
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

/** GPU kernels by the rows of a group, and the outputs that a group of threads computes. */
const kernels = [
  { rows: 1, outputs: 2, names: { f32: "linear1_f32", f16: "linear1_f16", bf16: "linear1_bf16" } },
  { rows: 4, outputs: 4, names: { f32: "linear4_f32", f16: "linear4_f16", bf16: "linear4_bf16" } },
  { rows: fewRows, outputs: 4, names: { f32: "linear8_f32", f16: "linear8_f16", bf16: "linear8_bf16" } },
] as const;

/** The launch of a product with few rows. */
export interface RowPlan {
  readonly kernel: KernelName;
  readonly grid: number;
  /** Threads that together sum one output. */
  readonly lanes: number;
}

export function rowPlan(dtype: FloatDType, rows: number, inFeatures: number, outFeatures: number): RowPlan {
  const [, , large] = kernels;
  const { rows: group, outputs, names } = kernels.find((candidate) => rows <= candidate.rows) ?? large;
  // A thread reads 16 bytes of a row at a time.
  const reads = Math.ceil(inFeatures / (dtype === "f32" ? 4 : 8));
  const tiles = (lanes: number, each: number): number => Math.ceil(outFeatures / ((threads / lanes) * each));
  let lanes = 8;
  while (lanes < 32 && lanes < reads) lanes *= 2;
  // With few outputs, more threads sum each output, as long as each thread has work.
  while (lanes < threads && lanes < reads && tiles(lanes, assumedOutputs) < enoughBlocks) lanes *= 2;
  return { kernel: names[dtype], grid: tiles(lanes, outputs) * Math.ceil(rows / group), lanes };
}
