// The suite of every op, by the op's name: one line for each file.

export { accumulate } from "./accumulate.ts";
export { adamwStep } from "./adamwStep.ts";
export { add } from "./add.ts";
export { argmax } from "./argmax.ts";
export { causalConv1d } from "./causalConv1d.ts";
export { causalConv1dBackward } from "./causalConv1dBackward.ts";
export { causalConv1dStep } from "./causalConv1dStep.ts";
export { crossEntropy, crossEntropyWithGradient } from "./crossEntropy.ts";
export { embedding, embeddingBackward } from "./embedding.ts";
export { flip } from "./flip.ts";
export { linear } from "./linear.ts";
export { linearBackwardInput, linearBackwardWeight } from "./linearBackward.ts";
export { mul } from "./mul.ts";
export { negExp } from "./negExp.ts";
export { rmsNorm, rmsNormBackward } from "./rmsNorm.ts";
export { sample } from "./sample.ts";
export { scale } from "./scale.ts";
export { selectiveScan } from "./selectiveScan.ts";
export { selectiveScanBackward } from "./selectiveScanBackward.ts";
export { selectiveScanForward } from "./selectiveScanForward.ts";
export { selectiveStateUpdate } from "./selectiveStateUpdate.ts";
export { silu, siluBackward } from "./silu.ts";
export { sumOfSquares } from "./sumOfSquares.ts";
export { sumRows } from "./sumRows.ts";
