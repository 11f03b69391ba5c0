import { decode, prefill } from "../../apps/cli/src/bench/model-specs.ts";
import type { CaseSpec } from "../../apps/cli/src/bench/spec.ts";
import type { ScanSize } from "./scans.ts";
import type { Effort } from "./timing.ts";

/** What is measured, and how long. */
export interface Sizes {
  readonly effort: Effort;
  /** Floats of the copy, and rows of the square product, that are the ceilings. */
  readonly copy: number;
  readonly matmul: number;
  readonly scans: readonly ScanSize[];
  readonly models: readonly ModelTasks[];
}

/** What is measured of one model with weights in one type; they share a kernel. */
export interface ModelTasks {
  readonly decode: CaseSpec;
  readonly prefill: CaseSpec;
}

const tasks = (
  preset: Parameters<typeof decode>[0],
  dtype: Parameters<typeof decode>[1],
  prompt: number,
): ModelTasks => ({ decode: decode(preset, dtype, 1), prefill: prefill(preset, dtype, prompt) });

const widths = [
  { batch: 1, channels: 1536, stateSize: 16 }, // mamba-130m
  { batch: 8, channels: 2048, stateSize: 16 },
  { batch: 8, channels: 5120, stateSize: 16 }, // mamba-2.8b
];
const lengths = [512, 2048, 8192, 32768, 131072];

/** For a GPU. */
export const fullSizes: Sizes = {
  effort: { samples: 7, sampleSeconds: 0.1 },
  copy: 2 ** 28, // 1 GiB, beyond any cache
  matmul: 4096,
  // The largest last: they are the ones that may not fit.
  scans: lengths.flatMap((length) => widths.map((width) => ({ ...width, length }))),
  models: (["mamba-130m", "mamba-1.4b", "mamba-2.8b"] as const).flatMap((preset) =>
    (["f32", "f16"] as const).map((dtype) => tasks(preset, dtype, 2048)),
  ),
};

/** For the stand-in: they show that every part runs, and nothing about speed. */
export const smallSizes: Sizes = {
  effort: { samples: 1, sampleSeconds: 0 },
  copy: 1000,
  matmul: 40,
  scans: [{ batch: 1, length: 40, channels: 48, stateSize: 16 }],
  models: [tasks("tiny", "f32", 40), tasks("tiny", "f16", 40)],
};
