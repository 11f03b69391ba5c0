import type { SuiteTest } from "./suite.ts";

/** The ops against values from PyTorch in float64. */
export const goldenTests: readonly SuiteTest[] = [];
