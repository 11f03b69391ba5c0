import type { SuiteTest } from "../suiteTest.ts";
import { batchTests } from "./batch.ts";
import { convGradientTests } from "./convGradients.ts";
import { convStateTests } from "./convState.ts";
import { distributionTests } from "./distribution.ts";
import { packingTests } from "./packing.ts";
import { residualTests } from "./residual.ts";
import { scanGradientTests } from "./scanGradients.ts";
import { scanStateTests } from "./scanState.ts";

/** Identities between the results of several calls. */
export const lawTests: readonly SuiteTest[] = [
  ...scanStateTests,
  ...convStateTests,
  ...batchTests,
  ...distributionTests,
  ...scanGradientTests,
  ...convGradientTests,
  ...packingTests,
  ...residualTests,
];
