import type { SuiteTest } from "../suiteTest.ts";
import { argumentTests } from "./arguments.ts";
import { lifetimeTests } from "./lifetime.ts";
import { memoryTests } from "./memory.ts";
import { quantizedTests } from "./quantized.ts";
import { residualArgumentTests } from "./residuals.ts";
import { rowsTests } from "./rows.ts";
import { supportsTests } from "./supports.ts";
import { versionTests } from "./versions.ts";

/** The rules that hold for every op and for the memory behind the tensors, whatever the numbers. */
export const contractTests: readonly SuiteTest[] = [
  ...memoryTests,
  ...quantizedTests,
  ...rowsTests,
  ...lifetimeTests,
  ...argumentTests,
  ...residualArgumentTests,
  ...supportsTests,
  ...versionTests,
];
