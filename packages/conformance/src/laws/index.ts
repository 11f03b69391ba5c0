import type { SuiteTest } from "../suiteTest.ts";
import { accuracyTests } from "./accuracy.ts";
import { attentionTests } from "./attention.ts";
import { batchTests } from "./batch.ts";
import { convGradientTests } from "./convGradients.ts";
import { convStateTests } from "./convState.ts";
import { distributionTests } from "./distribution.ts";
import { equalScanTests } from "./equalScans.ts";
import { packingTests } from "./packing.ts";
import { poolingTests } from "./pooling.ts";
import { quantizedTests } from "./quantized.ts";
import { residualTests } from "./residual.ts";
import { scanGradientTests } from "./scanGradients.ts";
import { sameBitsTests } from "./sameBits.ts";
import { scanStateTests } from "./scanState.ts";
import { slowDecayTests } from "./slowDecay.ts";

/** Identities between the results of several calls. */
export const lawTests: readonly SuiteTest[] = [
  ...scanStateTests,
  ...equalScanTests,
  ...convStateTests,
  ...batchTests,
  ...sameBitsTests,
  ...slowDecayTests,
  ...accuracyTests,
  ...distributionTests,
  ...scanGradientTests,
  ...convGradientTests,
  ...packingTests,
  ...poolingTests,
  ...attentionTests,
  ...residualTests,
  ...quantizedTests,
];
