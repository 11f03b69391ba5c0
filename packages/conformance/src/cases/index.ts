import type { InferenceOps } from "@mamba/kernel";
import type { OpCase } from "../case.ts";
import { argmaxCases } from "./argmax.ts";
import { causalConv1dCases, causalConv1dStepCases } from "./conv.ts";
import { addCases, mulCases, negExpCases, scaleCases, siluCases } from "./elementwise.ts";
import { embeddingCases } from "./embedding.ts";
import { flipCases } from "./flip.ts";
import { linearCases } from "./linear.ts";
import { repetitionPenaltyCases } from "./repetitionPenalty.ts";
import { rmsNormCases } from "./rmsNorm.ts";
import { sampleCases } from "./sample.ts";
import { selectiveScanCases } from "./selectiveScan.ts";
import { selectiveStateUpdateCases } from "./selectiveStateUpdate.ts";

const byOp: Readonly<Record<keyof InferenceOps, readonly OpCase[]>> = {
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
};

/** Every op on every set of arguments that the suite holds a kernel to; also what a benchmark can time. */
export const cases: readonly OpCase[] = Object.values(byOp).flat();
