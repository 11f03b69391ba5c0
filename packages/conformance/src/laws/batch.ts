import { type Kernel, Scope } from "@mamba/kernel";
import { check, checkEqual } from "../assert.ts";
import { type CaseInput, type OpCase, skipReason, trainingSkipReason } from "../case.ts";
import type { Batched, OpSuite } from "../opSuite.ts";
import type { SuiteTest } from "../suiteTest.ts";
import { suites } from "../opSuites.ts";
import { inputsOf, lawTest, load } from "./harness.ts";

// Rows of a batch are independent: a row of the results keeps its bits when the other rows of the arguments become other
// numbers or NaN.

/** Returns the inputs with all rows of the batched ones overwritten except row `keep`. */
function withOthers(
  inputs: Readonly<Record<string, CaseInput>>,
  names: readonly string[],
  keep: number,
  value: (i: number) => number,
): Record<string, CaseInput> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, input]) => {
      if (!names.includes(name) || !(input.data instanceof Float32Array)) return [name, input];
      const [rows = 1] = input.shape;
      const row = input.data.length / rows;
      const data = input.data.map((x, i) => (Math.floor(i / row) === keep ? x : value(i)));
      return [name, { ...input, data }];
    }),
  );
}

/** Returns row `keep` of every output and in-place state, in order. */
async function rowsOf(
  kernel: Kernel,
  item: OpCase,
  inputs: Readonly<Record<string, CaseInput>>,
  keep: number,
  results: readonly string[] | undefined,
) {
  using scope = new Scope();
  const tensors = load(kernel, scope, inputs);
  const prepared = item.prepare?.(kernel, tensors);
  if (prepared) scope.use(prepared);
  const outputs = Object.entries(item.run(kernel, tensors, prepared)).flatMap(([name, output]) => {
    scope.use(output);
    return results === undefined || results.includes(name) ? [output] : [];
  });
  const states = Object.entries(inputs).flatMap(([name, input]) => (input.inPlace ? [tensors[name]] : []));
  const all = [...outputs, ...states].flatMap((tensor) => (tensor ? [tensor] : []));
  const rows = await kernel.read(...all);
  return rows.flatMap((data, i) => {
    const [count = 1] = all[i]?.shape ?? [];
    const row = data.length / count;
    return Array.from(data.subarray(keep * row, (keep + 1) * row));
  });
}

async function checkCaseRows(
  kernel: Kernel,
  item: OpCase,
  { arguments: batched, results }: Batched,
): Promise<void> {
  const inputs = inputsOf(item);
  const [first = ""] = batched;
  const [B = 1] = inputs[first]?.shape ?? [];
  // An operand that is repeated over the rows has none of its own.
  const names = batched.filter((name) => inputs[name]?.shape[0] === B);
  for (const keep of new Set([0, B - 1])) {
    const before = await rowsOf(kernel, item, inputs, keep, results);
    for (const [what, value] of [
      ["other numbers", (i: number) => Math.sin(i) / 3] as const,
      ["NaN", () => NaN] as const,
    ]) {
      const after = await rowsOf(kernel, item, withOthers(inputs, names, keep, value), keep, results);
      checkEqual(`${item.name}: elements`, after.length, before.length);
      after.forEach((value, i) => {
        check(
          Object.is(value, before[i]),
          `${item.name}: row ${keep} of ${B} changed when the other rows became ${what}: ` +
            `element ${i} was ${before[i]}, is ${value}`,
        );
      });
    }
  }
}

function batchTest({ op, cases, training }: OpSuite, batched: Batched): SuiteTest {
  const test = lawTest(`rows of a batch do not influence each other in ${op}`, async (kernel) => {
    const [first = ""] = batched.arguments;
    const rows = (item: OpCase): number => item.inputs()[first]?.shape[0] ?? 1;
    const own = cases.filter((item) => skipReason(item, kernel) === undefined);
    // `ranges` number the sequences of the whole batch: their results have other rows.
    const numbered = (item: OpCase): boolean => item.inputs()["ranges"] !== undefined;
    const chosen = own
      .filter((item) => rows(item) > 1 && size(item) < 50_000 && !numbered(item))
      .slice(0, 24);
    check(chosen.length > 0, `${op} has cases with more than one row`);
    for (const item of chosen) await checkCaseRows(kernel, item, batched);
  });
  return training ? { ...test, skip: trainingSkipReason } : test;
}

export const batchTests: readonly SuiteTest[] = suites.flatMap((suite) =>
  suite.batched?.arguments.length ? [batchTest(suite, suite.batched)] : [],
);

function size(item: OpCase): number {
  return Object.values(item.sizes).reduce((a, b) => a * b, 1);
}
