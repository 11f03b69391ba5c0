import type { KernelOp } from "@mamba/kernel";
import type { OpCase } from "../case.ts";
import { accumulateCases } from "./accumulate.ts";
import { argmaxCases } from "./argmax.ts";
import { causalConv1dCases, causalConv1dStepCases } from "./conv.ts";
import { causalConv1dBackwardCases } from "./convBackward.ts";
import { crossEntropyCases, crossEntropyWithGradientCases } from "./crossEntropy.ts";
import { addCases, mulCases, negExpCases, scaleCases, siluCases } from "./elementwise.ts";
import { embeddingCases } from "./embedding.ts";
import { embeddingBackwardCases } from "./embeddingBackward.ts";
import { flipCases } from "./flip.ts";
import { linearCases } from "./linear.ts";
import { linearBackwardInputCases, linearBackwardWeightCases, sumRowsCases } from "./linearBackward.ts";
import { adamwStepCases, sumOfSquaresCases } from "./optimizer.ts";
import { repetitionPenaltyCases } from "./repetitionPenalty.ts";
import { rmsNormCases } from "./rmsNorm.ts";
import { rmsNormBackwardCases } from "./rmsNormBackward.ts";
import { sampleCases } from "./sample.ts";
import { selectiveScanCases } from "./selectiveScan.ts";
import { selectiveScanBackwardCases, selectiveScanForwardCases } from "./selectiveScanBackward.ts";
import { selectiveStateUpdateCases } from "./selectiveStateUpdate.ts";
import { siluBackwardCases } from "./siluBackward.ts";

const byOp: Readonly<Record<KernelOp, readonly OpCase[]>> = {
  add: addCases,
  mul: mulCases,
  scale: scaleCases,
  silu: siluCases,
  negExp: negExpCases,
  flip: flipCases,
  linear: linearCases,
  rmsNorm: rmsNormCases,
  embedding: embeddingCases,
  causalConv1d: causalConv1dCases,
  causalConv1dStep: causalConv1dStepCases,
  selectiveScan: selectiveScanCases,
  selectiveStateUpdate: selectiveStateUpdateCases,
  argmax: argmaxCases,
  sample: sampleCases,
  repetitionPenalty: repetitionPenaltyCases,
  accumulate: accumulateCases,
  siluBackward: siluBackwardCases,
  linearBackwardInput: linearBackwardInputCases,
  linearBackwardWeight: linearBackwardWeightCases,
  sumRows: sumRowsCases,
  rmsNormBackward: rmsNormBackwardCases,
  embeddingBackward: embeddingBackwardCases,
  causalConv1dBackward: causalConv1dBackwardCases,
  selectiveScanForward: selectiveScanForwardCases,
  selectiveScanBackward: selectiveScanBackwardCases,
  crossEntropy: crossEntropyCases,
  crossEntropyWithGradient: crossEntropyWithGradientCases,
  sumOfSquares: sumOfSquaresCases,
  adamwStep: adamwStepCases,
};

/** Every op on every set of arguments that the suite holds a kernel to; also what a benchmark can time. */
export const cases: readonly OpCase[] = Object.values(byOp).flat();
