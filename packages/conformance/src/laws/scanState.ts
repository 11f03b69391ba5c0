import { Scope, type Tensor } from "@mamba/kernel";
import { check } from "../assert.ts";
import type { CaseInput } from "../case.ts";
import type { SuiteTest } from "../suiteTest.ts";
import { cut } from "./gradients.ts";
import { checkAgree, chunksAt, inputsOf, joinPositions, lawTest, load, readFloats } from "./harness.ts";
import { runChunk, type Scan, selective, ssd } from "./scans.ts";

// A scan can be computed in chunks of any lengths: the state carries everything from one chunk to the next.

function splitTest(scan: Scan, cuts: readonly number[]): SuiteTest {
  const { name, B, L, label } = scan;
  return lawTest(`${name} of ${L} = scans cut at ${cuts.join(", ")} (${label})`, async (kernel, scope) => {
    const inputs = inputsOf(scan.forwardCase);
    const whole = runChunk(scan, kernel, scope, inputs, 0, L);
    let state: Tensor | undefined;
    const chunks = [];
    for (const { from, to } of chunksAt(L, cuts)) {
      const chunk = runChunk(scan, kernel, scope, inputs, from, to, state);
      chunks.push({ data: await readFloats(kernel, chunk.y), length: to - from });
      state = chunk.finalState;
    }
    checkAgree("y", joinPositions(chunks, B), await readFloats(kernel, whole.y));
    const [actual, expected] = await kernel.read(state ?? whole.finalState, whole.finalState);
    if (actual && expected) checkAgree("finalState", actual, expected);
  });
}

function stepTest(scan: Scan): SuiteTest {
  const { name, B, L, label, sequences } = scan;
  return lawTest(`${name} of ${L} = ${L} state updates (${label})`, async (kernel, scope) => {
    const inputs = inputsOf(scan.forwardCase);
    const whole = runChunk(scan, kernel, scope, inputs, 0, L);
    const { initialState, ...rest } = inputs;
    check(initialState !== undefined, "the case has an initial state");
    const state = scope.use(kernel.upload(initialState.data, initialState.shape, "f32"));
    const chunks = [];
    for (let l = 0; l < L; l++) {
      using step = new Scope();
      const row = Object.entries(cut(rest, sequences, l, l + 1)).map(([name, input]) => {
        const [batch = 1, , last = 1] = input.shape;
        return [name, sequences.includes(name) ? { ...input, shape: [batch, last] } : input];
      });
      const tensors = load(kernel, step, Object.fromEntries(row) as Record<string, CaseInput>);
      const y = step.use(scan.step(kernel, state, tensors));
      chunks.push({ data: await readFloats(kernel, y), length: 1 });
    }
    checkAgree("y", joinPositions(chunks, B), await readFloats(kernel, whole.y));
    checkAgree("state", await readFloats(kernel, state), await readFloats(kernel, whole.finalState));
  });
}

export const scanStateTests: readonly SuiteTest[] = [
  splitTest(selective(2, 37, 5, 16), [1]),
  splitTest(selective(1, 64, 3, 8), [16, 17, 40]),
  splitTest(selective(3, 129, 7, 4), [128]),
  splitTest(selective(2, 33, 4, 1), [11, 22]),
  stepTest(selective(3, 19, 5, 16)),
  stepTest(selective(1, 33, 9, 4)),
  splitTest(ssd(2, 37, 4, 3, 2, 8), [1]),
  splitTest(ssd(1, 150, 2, 5, 1, 7), [16, 17, 63, 127]),
  splitTest(ssd(2, 129, 3, 4, 3, 16), [64, 128]),
  stepTest(ssd(3, 19, 4, 3, 2, 8)),
  stepTest(ssd(1, 70, 2, 4, 1, 5)),
];
