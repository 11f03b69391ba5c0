import type { SuiteTest } from "../suite.ts";
import { argumentTests } from "./arguments.ts";
import { lifetimeTests } from "./lifetime.ts";
import { memoryTests } from "./memory.ts";
import { supportsTests } from "./supports.ts";
import { trainingArgumentTests } from "./trainingArguments.ts";

/** What holds for every op and for the memory behind them, apart from the numbers. */
export const contractTests: readonly SuiteTest[] = [
  ...memoryTests,
  ...lifetimeTests,
  ...argumentTests,
  ...trainingArgumentTests,
  ...supportsTests,
];
