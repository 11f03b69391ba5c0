import type { KernelOp } from "@mamba/kernel";
import type { OpCase } from "./case.ts";
import type { OpSuite } from "./opSuite.ts";
import * as ops from "./ops/index.ts";

// A missing op is a compile error here.
const byOp = ops satisfies { readonly [K in KernelOp]: OpSuite & { readonly reference: unknown } };

/** The suite of every op. */
export const suites: readonly OpSuite[] = Object.values(byOp);

/** Every op on every set of arguments that the suite tests. */
export const cases: readonly OpCase[] = suites.flatMap((suite) => suite.cases);

/** Ops at the sizes of mamba-130m, for a benchmark. They are no tests: the reference would take minutes. */
export const benchmarkCases: readonly OpCase[] = suites.flatMap((suite) => suite.benchmarks);

type References = { readonly [K in keyof typeof ops]: (typeof ops)[K]["reference"] };

/**
 * The float64 reference of every op: plain loops over dense arrays in the layouts of the op, on sizes that are given as
 * numbers. Results are new arrays.
 */
export const reference = Object.fromEntries(
  Object.entries(byOp).map(([op, suite]) => [op, suite.reference]),
) as unknown as References;
