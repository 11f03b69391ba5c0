// The definition of every op, by its name: one line for each file that holds some.

export { accumulate } from "./accumulate.ts";
export { adamwStep } from "./adamwStep.ts";
export { add } from "./add.ts";
export { argmax } from "./argmax.ts";
export { causalConv1d, causalConv1dBackward } from "./causalConv1d.ts";
export { causalConv1dStep } from "./causalConv1dStep.ts";
export { copyInto } from "./copyInto.ts";
export { crossEntropy, crossEntropyWithGradient } from "./crossEntropy.ts";
export { embedding, embeddingBackward } from "./embedding.ts";
export { flip } from "./flip.ts";
export { gatherRows } from "./gatherRows.ts";
export { linear, linearBackwardInput, linearBackwardWeight } from "./linear.ts";
export { mul } from "./mul.ts";
export { negExp } from "./negExp.ts";
export { rmsNorm, rmsNormBackward } from "./rmsNorm.ts";
export { sample } from "./sample.ts";
export { scale } from "./scale.ts";
export { selectiveScan, selectiveScanBackward, selectiveScanForward } from "./selectiveScan.ts";
export { selectiveStateUpdate } from "./selectiveStateUpdate.ts";
export { silu, siluBackward } from "./silu.ts";
export { sumOfSquares } from "./sumOfSquares.ts";
export { sumRows } from "./sumRows.ts";
export { write } from "./write.ts";
