import type { FloatDType } from "@mamba/kernel";
import type { KernelName } from "../kernels.ts";

/** The most rows of a product that is computed row by row; with more rows, `tilePlan` applies. */
export const fewRows = 8;

const threads = 256;
/** Blocks of threads that fill a large GPU twice. Constant, so that the order of a sum does not depend on the device. */
const enoughBlocks = 264;

/** GPU kernels by their largest number of rows, and the outputs that a group of threads computes. */
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
  const { outputs, names } = kernels.find((candidate) => rows <= candidate.rows) as (typeof kernels)[number];
  // A thread reads 16 bytes of a row at a time.
  const reads = Math.ceil(inFeatures / (dtype === "f32" ? 4 : 8));
  const gridOf = (lanes: number): number => Math.ceil(outFeatures / ((threads / lanes) * outputs));
  let lanes = 8;
  while (lanes < 32 && lanes < reads) lanes *= 2;
  // With few outputs, more threads sum each output, as long as each thread has work.
  while (lanes < threads && lanes < reads && gridOf(lanes) < enoughBlocks) lanes *= 2;
  return { kernel: names[dtype], grid: gridOf(lanes), lanes };
}
