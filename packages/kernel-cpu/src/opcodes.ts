// The numbers of the ops in assembly/ops.ts, in its order.

const names = [
  ...["add", "mul", "scale", "silu", "negExp", "flip", "linear", "rmsNorm", "embedding"],
  ...["causalConv1d", "causalConv1dStep", "selectiveScan", "selectiveStateUpdate"],
  ...["argmax", "sample", "repetitionPenalty", "readProbe", "madProbe"],
  ...["siluBackward", "accumulate", "product", "sumRows", "rmsNormBackward", "rmsNormBackwardWeight"],
  ...["embeddingBackward", "causalConv1dBackward", "selectiveScanBackward"],
  ...["crossEntropyCount", "crossEntropy", "crossEntropyMean"],
  ...["sumOfSquares", "sumOfSquaresTotal", "adamwStep"],
] as const;

/** Ops of the WebAssembly module: those of `InferenceOps` and their backwards, and the probes of the benchmark. */
export type OpName = (typeof names)[number];

/** The number of each op. */
export const opcodes = Object.fromEntries(names.map((name, code) => [name, code])) as Readonly<
  Record<OpName, number>
>;
