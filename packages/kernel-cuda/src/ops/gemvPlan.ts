import type { FloatDType } from "@mamba/kernel";
import type { KernelName } from "../kernels.ts";

/** More rows go to the tiles. */
export const gemvRows = 8;

const threads = 256;
/** Blocks of threads that fill a large GPU, twice over. Fixed, so that the order of a sum does not depend on the device. */
const enough = 264;

/** Kernels for up to so many rows, and the outputs that a group of threads computes. */
const kernels = [
  { rows: 1, outputs: 2, names: { f32: "linear1_f32", f16: "linear1_f16", bf16: "linear1_bf16" } },
  { rows: 4, outputs: 4, names: { f32: "linear4_f32", f16: "linear4_f16", bf16: "linear4_bf16" } },
  { rows: gemvRows, outputs: 4, names: { f32: "linear8_f32", f16: "linear8_f16", bf16: "linear8_bf16" } },
] as const;

/** How `linear` of few rows is run. */
export interface GemvPlan {
  readonly kernel: KernelName;
  readonly grid: number;
  /** Threads that share the sum of an output. */
  readonly lanes: number;
}

export function gemvPlan(dtype: FloatDType, rows: number, inFeatures: number, outFeatures: number): GemvPlan {
  const { outputs, names } = kernels.find((candidate) => rows <= candidate.rows) as (typeof kernels)[number];
  // A thread takes 16 bytes of a row at a time.
  const chunks = Math.ceil(inFeatures / (dtype === "f32" ? 4 : 8));
  const gridOf = (lanes: number): number => Math.ceil(outFeatures / ((threads / lanes) * outputs));
  let lanes = 8;
  while (lanes < 32 && lanes < chunks) lanes *= 2;
  // Few outputs: more threads for each, as long as there is work for them.
  while (lanes < threads && lanes < chunks && gridOf(lanes) < enough) lanes *= 2;
  return { kernel: names[dtype], grid: gridOf(lanes), lanes };
}
