import { type Kernel, Scope, type ScanArgs, type Tensor } from "@mamba/kernel";
import { check } from "../assert.ts";
import type { CaseInput } from "../case.ts";
import { scanCase } from "../ops/selectiveScan.ts";
import type { SuiteTest } from "../suiteTest.ts";
import {
  checkAgree,
  chunksAt,
  inputsOf,
  joinPositions,
  lawTest,
  load,
  readFloats,
  copyPositions,
} from "./harness.ts";

// A scan can be computed in chunks of any lengths: the state carries everything from one chunk to the next.

const flags = {
  D: true,
  z: true,
  deltaBias: true,
  softplus: true,
  initialState: true,
  sequenceIds: false,
  finalState: true,
  view: false,
};
const sequences = ["u", "delta", "B", "C", "z"];

type Inputs = Readonly<Record<string, CaseInput>>;

function cut(inputs: Inputs, from: number, to: number): Record<string, CaseInput> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, input]) => [
      name,
      sequences.includes(name) ? copyPositions(input, from, to) : input,
    ]),
  );
}

/** Scans positions [from, to) from `state`; `scope` owns the results. */
function scan(kernel: Kernel, scope: Scope, inputs: Inputs, from: number, to: number, state?: Tensor) {
  const tensors = load(kernel, scope, cut(inputs, from, to));
  const args = {
    ...tensors,
    ...(state && { initialState: state }),
    deltaSoftplus: true,
  } as unknown as ScanArgs;
  const { y, finalState } = kernel.selectiveScan(args, { finalState: true });
  return { y: scope.use(y), finalState: scope.use(finalState) };
}

function splitTest(B: number, L: number, D: number, N: number, cuts: readonly number[]): SuiteTest {
  return lawTest(
    `scan of ${L} = scans cut at ${cuts.join(", ")} (B${B} D${D} N${N})`,
    async (kernel, scope) => {
      const inputs = inputsOf(scanCase(B, L, D, N, flags));
      const whole = scan(kernel, scope, inputs, 0, L);
      let state: Tensor | undefined;
      const chunks = [];
      for (const { from, to } of chunksAt(L, cuts)) {
        const chunk = scan(kernel, scope, inputs, from, to, state);
        chunks.push({ data: await readFloats(kernel, chunk.y), length: to - from });
        state = chunk.finalState;
      }
      checkAgree("y", joinPositions(chunks, B), await readFloats(kernel, whole.y));
      const [actual, expected] = await kernel.read(state ?? whole.finalState, whole.finalState);
      if (actual && expected) checkAgree("finalState", actual, expected);
    },
  );
}

function stepTest(B: number, L: number, D: number, N: number): SuiteTest {
  return lawTest(`scan of ${L} = ${L} state updates (B${B} D${D} N${N})`, async (kernel, scope) => {
    const inputs = inputsOf(scanCase(B, L, D, N, flags));
    const whole = scan(kernel, scope, inputs, 0, L);
    const { initialState, ...rest } = inputs;
    check(initialState !== undefined, "the case has an initial state");
    const state = scope.use(kernel.upload(initialState.data, initialState.shape, "f32"));
    const chunks = [];
    for (let l = 0; l < L; l++) {
      using step = new Scope();
      const row = Object.entries(cut(rest, l, l + 1)).map(([name, input]) => {
        const [batch = 1, , last = 1] = input.shape;
        return [name, sequences.includes(name) ? { ...input, shape: [batch, last] } : input];
      });
      const tensors = load(kernel, step, Object.fromEntries(row) as Record<string, CaseInput>);
      const args = { ...tensors, deltaSoftplus: true } as unknown as ScanArgs;
      const y = step.use(kernel.selectiveStateUpdate(state, args));
      chunks.push({ data: await readFloats(kernel, y), length: 1 });
    }
    checkAgree("y", joinPositions(chunks, B), await readFloats(kernel, whole.y));
    checkAgree("state", await readFloats(kernel, state), await readFloats(kernel, whole.finalState));
  });
}

export const scanStateTests: readonly SuiteTest[] = [
  splitTest(2, 37, 5, 16, [1]),
  splitTest(1, 64, 3, 8, [16, 17, 40]),
  splitTest(3, 129, 7, 4, [128]),
  splitTest(2, 33, 4, 1, [11, 22]),
  stepTest(3, 19, 5, 16),
  stepTest(1, 33, 9, 4),
];
