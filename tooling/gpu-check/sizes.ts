import {
  type BenchmarkCase,
  decodeCase,
  type Effort,
  opBenchmark,
  prefillCase,
  type ScanSize,
} from "@mamba/bench";
import { benchmarkCases, cases } from "@mamba/conformance";

/** The sizes that a run measures, and how long. */
export interface Sizes {
  readonly effort: Effort;
  /** Floats of the copy, which is a ceiling. */
  readonly copy: number;
  /** Rows of the square matrix product, which is a ceiling. */
  readonly matmul: number;
  readonly scans: readonly ScanSize[];
  readonly ops: readonly BenchmarkCase[];
  readonly models: readonly ModelCases[];
}

/** The cases of one model with weights of one type; they share a kernel. */
export interface ModelCases {
  readonly decode: BenchmarkCase;
  readonly prefill: BenchmarkCase;
}

const casesOf = (
  preset: Parameters<typeof decodeCase>[0],
  dtype: Parameters<typeof decodeCase>[1],
  prompt: number,
): ModelCases => ({ decode: decodeCase(preset, dtype, 1), prefill: prefillCase(preset, dtype, prompt) });

const widths = [
  { batch: 1, channels: 1536, stateSize: 16 }, // mamba-130m
  { batch: 8, channels: 2048, stateSize: 16 },
  { batch: 8, channels: 5120, stateSize: 16 }, // mamba-2.8b
];
const lengths = [512, 2048, 8192, 32768, 131072];

/** The ops of Mamba-2, attention and experts whose prompts, tokens and gradients are measured. */
const measuredOps = [
  ...["ssdScan", "ssdScanBackward", "ssdStateUpdate"],
  ...["attention", "attentionBackward", "cachedAttention"],
  ...["expertLinear", "expertLinearBackwardInput", "expertLinearBackwardWeight"],
];

/** Experts whose random weights take long to make are left out. */
const measuredWeights = ["f16", "q4_0"];

/** At the sizes of models. */
const largeOps = benchmarkCases.filter(
  ({ op, requires }) =>
    measuredOps.includes(op) && (op !== "expertLinear" || measuredWeights.includes(requires[0]?.dtype ?? "")),
);

/** The first case of each op in the suite. */
const smallOps = measuredOps.flatMap((name) => cases.find(({ op }) => op === name) ?? []);

const floats = ["f32", "f16"] as const;
const quantised = ["q8_0", "q4_0", "q4_k"] as const;

/** Sizes for a GPU. */
export const fullSizes: Sizes = {
  effort: { samples: 7, sampleSeconds: 0.1 },
  copy: 2 ** 28, // 1 GiB, larger than any cache
  matmul: 4096,
  // The largest are last, because they may not fit.
  scans: lengths.flatMap((length) => widths.map((width) => ({ ...width, length }))),
  ops: largeOps.map(opBenchmark),
  models: [
    ...floats.map((dtype) => casesOf("mamba-130m", dtype, 2048)),
    ...[...floats, ...quantised].map((dtype) => casesOf("mamba-1.4b", dtype, 2048)),
    ...floats.map((dtype) => casesOf("mamba-2.8b", dtype, 2048)),
  ],
};

/** Sizes for the stand-in. They show that every part runs; their figures say nothing about speed. */
export const smallSizes: Sizes = {
  effort: { samples: 1, sampleSeconds: 0 },
  copy: 1000,
  matmul: 40,
  scans: [{ batch: 1, length: 40, channels: 48, stateSize: 16 }],
  ops: smallOps.map(opBenchmark),
  models: (["f32", "f16", "q8_0"] as const).map((dtype) => casesOf("tiny", dtype, 40)),
};

/** The longest scan and the largest model of WebGPU, which gets less time than CUDA. */
const webGpuLength = 8192;
const webGpuModels = 7;

/** The sizes for WebGPU: the smaller ones, and a copy that fits into one binding of any adapter. */
export function webGpuSizes(sizes: Sizes): Sizes {
  return {
    ...sizes,
    copy: Math.min(sizes.copy, 2 ** 25), // 128 MiB
    scans: sizes.scans.filter(({ length }) => length <= webGpuLength),
    models: sizes.models.slice(0, webGpuModels),
  };
}
