import { type HostArray, type Kernel, Scope } from "@mamba/kernel";
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

/** One output or in-place state, with the number of its rows. */
interface Result {
  readonly data: HostArray;
  readonly rows: number;
}

/** Runs a case. Returns its batched outputs and its in-place states, in order. */
async function run(
  kernel: Kernel,
  item: OpCase,
  inputs: Readonly<Record<string, CaseInput>>,
  results: readonly string[] | undefined,
): Promise<Result[]> {
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
  const read = await kernel.read(...all);
  return read.map((data, i) => ({ data, rows: all[i]?.shape[0] ?? 1 }));
}

function rowOf({ data, rows }: Result, row: number): HostArray {
  const length = data.length / rows;
  return data.subarray(row * length, (row + 1) * length);
}

async function checkCaseRows(
  kernel: Kernel,
  item: OpCase,
  inputs: Readonly<Record<string, CaseInput>>,
  { arguments: batched, results }: Batched,
): Promise<void> {
  const [first = ""] = batched;
  const [B = 1] = inputs[first]?.shape ?? [];
  // An operand that is repeated over the rows has none of its own.
  const names = batched.filter((name) => inputs[name]?.shape[0] === B);
  const before = await run(kernel, item, inputs, results);
  for (const keep of new Set([0, B - 1])) {
    for (const [what, value] of [
      ["other numbers", (i: number) => Math.sin(i) / 3] as const,
      ["NaN", () => NaN] as const,
    ]) {
      const after = await run(kernel, item, withOthers(inputs, names, keep, value), results);
      checkEqual(`${item.name}: results`, after.length, before.length);
      for (const [i, result] of after.entries()) {
        const expected = before[i];
        check(expected !== undefined, `${item.name}: result ${i} is missing`);
        const [actual, unchanged] = [rowOf(result, keep), rowOf(expected, keep)];
        checkEqual(`${item.name}: elements of result ${i}`, actual.length, unchanged.length);
        const at = unchanged.findIndex((x, k) => !Object.is(actual[k], x));
        check(
          at < 0,
          `${item.name}: row ${keep} of ${B} changed when the other rows became ${what}: ` +
            `element ${at} of result ${i} was ${unchanged[at]}, is ${actual[at]}`,
        );
      }
    }
  }
}

/** The largest number of cases of an op: they differ in its options first. */
const maxCases = 24;

function batchTest({ op, cases, training }: OpSuite, batched: Batched): SuiteTest {
  const test = lawTest(`rows of a batch do not influence each other in ${op}`, async (kernel) => {
    const [first = ""] = batched.arguments;
    let count = 0;
    for (const item of cases) {
      if (count === maxCases) break;
      if (size(item) >= 50_000 || skipReason(item, kernel) !== undefined) continue;
      const inputs = inputsOf(item);
      const [rows = 1] = inputs[first]?.shape ?? [];
      // `ranges` number the sequences of the whole batch: their results have other rows.
      if (rows <= 1 || inputs["ranges"] !== undefined) continue;
      count++;
      await checkCaseRows(kernel, item, inputs, batched);
    }
    check(count > 0, `${op} has cases with more than one row`);
  });
  return training ? { ...test, skip: trainingSkipReason } : test;
}

export const batchTests: readonly SuiteTest[] = suites.flatMap((suite) =>
  suite.batched?.arguments.length ? [batchTest(suite, suite.batched)] : [],
);

function size(item: OpCase): number {
  return Object.values(item.sizes).reduce((a, b) => a * b, 1);
}
