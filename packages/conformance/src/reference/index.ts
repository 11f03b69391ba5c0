// The float64 reference: one file per op, plain loops, the names of the ops. Layouts are those of the ops, dense.

export * from "./add.ts";
export * from "./mul.ts";
export * from "./scale.ts";
export * from "./silu.ts";
export * from "./negExp.ts";
export * from "./flip.ts";
export * from "./linear.ts";
export * from "./rmsNorm.ts";
export * from "./embedding.ts";
export * from "./causalConv1d.ts";
export * from "./causalConv1dStep.ts";
export * from "./selectiveScan.ts";
export * from "./selectiveStateUpdate.ts";
export * from "./argmax.ts";
export * from "./sample.ts";
export * from "./repetitionPenalty.ts";
