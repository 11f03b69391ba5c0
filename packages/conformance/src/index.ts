export {
  type CaseInput,
  defaultTolerance,
  type Expected,
  expectedOf,
  type OpCase,
  skipReason,
  valuesOf,
} from "./case.ts";
export { cases } from "./cases/index.ts";
export { ConformanceError } from "./assert.ts";
export { type Golden, type GoldenName, goldenNames, type GoldenTensor, loadGolden } from "./goldens.ts";
export { loadCase, type LoadedCase } from "./load.ts";
export { disagreement, nmse } from "./nmse.ts";
export { Random } from "./random.ts";
export * as reference from "./reference/index.ts";
export { runConformance } from "./runConformance.ts";
export type { ConformanceOptions, ConformanceSummary, TestFunction } from "./suite.ts";
