import { type Kernel, Scope } from "@mamba/kernel";
import { check, checkEqual } from "../assert.ts";
import { type CaseInput, type OpCase, skipReason, trainingSkipReason } from "../case.ts";
import { cases } from "../cases/index.ts";
import type { SuiteTest } from "../suite.ts";
import { inputsOf, lawTest, load } from "./harness.ts";

// What stands in one row of a batch is nobody else's business: with other rows replaced, by other numbers or by NaN, a row
// keeps its bits.

/** Arguments whose first axis counts the rows of the batch, and the results with such an axis; default all of them. */
interface Batched {
  readonly names: readonly string[];
  readonly results?: readonly string[];
}

const forwardOps: Readonly<Record<string, readonly string[]>> = {
  linear: ["x"],
  rmsNorm: ["x"],
  flip: ["x"],
  causalConv1d: ["x", "initialState"],
  causalConv1dStep: ["x", "state"],
  selectiveScan: ["u", "delta", "B", "C", "z", "initialState"],
  selectiveStateUpdate: ["u", "delta", "B", "C", "z", "state"],
  argmax: ["logits"],
  sample: ["logits"],
  repetitionPenalty: ["logits"],
};

const scanInputs = ["u", "delta", "B", "C", "z", "initialState"];

const trainingOps: Readonly<Record<string, Batched>> = {
  linearBackwardInput: { names: ["dy"] },
  rmsNormBackward: { names: ["dy", "x"], results: ["dx"] },
  causalConv1dBackward: {
    names: ["dy", "x", "initialState", "dFinalState"],
    results: ["d_x", "d_initialState"],
  },
  selectiveScanForward: { names: scanInputs },
  selectiveScanBackward: {
    names: ["dy", ...scanInputs, "dFinalState"],
    results: ["d_u", "d_delta", "d_B", "d_C", "d_z", "d_initialState"],
  },
  crossEntropyWithGradient: { names: ["logits"], results: ["dLogits"] },
};

/** All but row `keep` of the batched inputs overwritten. */
function withOthers(
  inputs: Readonly<Record<string, CaseInput>>,
  names: readonly string[],
  keep: number,
  value: (i: number) => number,
): Record<string, CaseInput> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, input]) => {
      if (!names.includes(name) || !(input.data instanceof Float32Array)) return [name, input];
      const row = input.data.length / (input.shape[0] as number);
      const data = input.data.map((x, i) => (Math.floor(i / row) === keep ? x : value(i)));
      return [name, { ...input, data }];
    }),
  );
}

/** Row `keep` of every output and in-place state, in order. */
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
    const row = data.length / (all[i]?.shape[0] as number);
    return Array.from(data.subarray(keep * row, (keep + 1) * row));
  });
}

async function checkCaseRows(kernel: Kernel, item: OpCase, { names, results }: Batched): Promise<void> {
  const inputs = inputsOf(item);
  const B = inputs[names[0] as string]?.shape[0] as number;
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

function batchTest(op: string, batched: Batched): SuiteTest {
  const training = op in trainingOps;
  const test = lawTest(`rows of a batch do not influence each other in ${op}`, async (kernel) => {
    const first = batched.names[0] as string;
    const rows = (item: OpCase): number => item.inputs()[first]?.shape[0] ?? 1;
    const own = cases.filter((item) => item.op === op && skipReason(item, kernel) === undefined);
    const chosen = own.filter((item) => rows(item) > 1 && size(item) < 50_000).slice(0, 24);
    check(chosen.length > 0, `${op} has cases with more than one row`);
    for (const item of chosen) await checkCaseRows(kernel, item, batched);
  });
  return training ? { ...test, skip: trainingSkipReason } : test;
}

export const batchTests: readonly SuiteTest[] = [
  ...Object.entries(forwardOps).map(([op, names]) => batchTest(op, { names })),
  ...Object.entries(trainingOps).map(([op, batched]) => batchTest(op, batched)),
];

function size(item: OpCase): number {
  return Object.values(item.sizes).reduce((a, b) => a * b, 1);
}
