export { ConformanceError } from "./assert.ts";
export {
  type CaseInput,
  type Cost,
  defaultTolerance,
  type Expected,
  expectedOf,
  type OpCase,
  skipReason,
  valuesOf,
} from "./case.ts";
export type { SampleFilters } from "./cases/distribution.ts";
export { type Golden, type GoldenName, goldenNames, type GoldenTensor, loadGolden } from "./goldens.ts";
export type { GoldenNumbers, OpGolden } from "./opGolden.ts";
export { loadCase, type LoadedCase, type LoadOptions } from "./load.ts";
export { disagreement, nmse } from "./nmse.ts";
export { Random } from "./random.ts";
export { runConformance } from "./runConformance.ts";
export type { ConformanceOptions, ConformanceSummary, TestFunction } from "./suiteTest.ts";
export { benchmarkCases, cases, reference } from "./opSuites.ts";
