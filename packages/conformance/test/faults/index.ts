// The planted bugs, one line for each file.

export { accumulateFaults } from "./accumulate.ts";
export { adamwStepFaults } from "./adamwStep.ts";
export { addFaults } from "./add.ts";
export { argmaxFaults } from "./argmax.ts";
export { causalConv1dFaults } from "./causalConv1d.ts";
export { causalConv1dBackwardFaults } from "./causalConv1dBackward.ts";
export { causalConv1dStepFaults } from "./causalConv1dStep.ts";
export { crossEntropyFaults } from "./crossEntropy.ts";
export { embeddingFaults } from "./embedding.ts";
export { flipFaults } from "./flip.ts";
export { linearFaults } from "./linear.ts";
export { linearBackwardFaults } from "./linearBackward.ts";
export { memoryFaults } from "./memory.ts";
export { mulFaults } from "./mul.ts";
export { negExpFaults } from "./negExp.ts";
export { rmsNormFaults } from "./rmsNorm.ts";
export { sampleFaults } from "./sample.ts";
export { scaleFaults } from "./scale.ts";
export { selectiveScanFaults } from "./selectiveScan.ts";
export { selectiveScanBackwardFaults } from "./selectiveScanBackward.ts";
export { selectiveScanForwardFaults } from "./selectiveScanForward.ts";
export { selectiveStateUpdateFaults } from "./selectiveStateUpdate.ts";
export { siluFaults } from "./silu.ts";
export { sumOfSquaresFaults } from "./sumOfSquares.ts";
export { sumRowsFaults } from "./sumRows.ts";
