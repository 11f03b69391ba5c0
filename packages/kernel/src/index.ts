// The half of the package that models and apps use. Authors of a backend also import `@mamba/kernel/author`.

export * from "./dtype.ts";
export * from "./errors.ts";
export * from "./half.ts";
export * from "./kernel.ts";
export * from "./open.ts";
export { printable } from "./printable.ts";
export type { AdamWParams, AdamWSlot } from "./ops/adamwStep.ts";
export type { ConvArgs } from "./ops/causalConv1d.ts";
export type { ConvStepArgs } from "./ops/causalConv1dStep.ts";
export type { CrossEntropyOptions } from "./ops/crossEntropy.ts";
export type { ElementLossArgs, ElementLossKind } from "./ops/elementLoss.ts";
export type { GeluApproximation } from "./ops/gelu.ts";
export type { Grads } from "./ops/grads.ts";
export type * from "./ops/interface.ts";
export type { MaxPositionsBackwardArgs } from "./ops/maxPositions.ts";
export type { PositionsArgs, PositionsBackwardArgs } from "./ops/meanPositions.ts";
export type { SampleArgs, SampleLogProbs, SampleRow, WantLogProbs } from "./ops/sample.ts";
export type { ScanArgs } from "./ops/selectiveScan.ts";
export type { StateUpdateArgs } from "./ops/selectiveStateUpdate.ts";
export * from "./scope.ts";
export * from "./tensor.ts";
