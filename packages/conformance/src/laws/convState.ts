import { type ConvArgs, type Kernel, Scope, type Tensor } from "@mamba/kernel";
import { check } from "../assert.ts";
import { firstDifference } from "../bits.ts";
import type { CaseInput } from "../case.ts";
import { convCase } from "../ops/causalConv1d.ts";
import type { SuiteTest } from "../suiteTest.ts";
import { checkAgree, inputsOf, lawTest, load, readFloats, copyPositions } from "./harness.ts";

const flags = {
  bias: true,
  silu: true,
  initialState: true,
  sequenceIds: false,
  finalState: true,
  view: false,
};

type Inputs = Readonly<Record<string, CaseInput>>;

function conv(kernel: Kernel, scope: Scope, inputs: Inputs, from: number, to: number, state?: Tensor) {
  const { x, ...rest } = inputs;
  check(x !== undefined, "the case has x");
  const tensors = load(kernel, scope, { ...rest, x: copyPositions(x, from, to) });
  const args = {
    ...tensors,
    ...(state && { initialState: state }),
    activation: "silu",
  } as unknown as ConvArgs;
  const { y, finalState } = kernel.causalConv1d(args, { finalState: true });
  return { y: scope.use(y), finalState: scope.use(finalState) };
}

/** Checks states of a convolution for equal bits: they are copies of its inputs. */
async function checkState(kernel: Kernel, actual: Tensor, expected: Tensor): Promise<void> {
  const [a, e] = await kernel.read(actual, expected);
  const at = firstDifference(a, e);
  check(at === undefined, `state: element ${at} must be ${e?.[at ?? 0]}, got ${a?.[at ?? 0]}`);
}

function splitTest(B: number, L: number, D: number, W: number, cutAt: number): SuiteTest {
  return lawTest(`conv of ${L} = convs cut at ${cutAt} (B${B} D${D} W${W})`, async (kernel, scope) => {
    const inputs = inputsOf(convCase(B, L, D, W, flags));
    const whole = conv(kernel, scope, inputs, 0, L);
    const head = conv(kernel, scope, inputs, 0, cutAt);
    const tail = conv(kernel, scope, inputs, cutAt, L, head.finalState);
    const y: CaseInput = { data: await readFloats(kernel, whole.y), shape: [B, L, D], dtype: "f32" };
    checkAgree("y before the cut", await readFloats(kernel, head.y), copyPositions(y, 0, cutAt).data);
    checkAgree("y after the cut", await readFloats(kernel, tail.y), copyPositions(y, cutAt, L).data);
    await checkState(kernel, tail.finalState, whole.finalState);
  });
}

function stepTest(B: number, L: number, D: number, W: number): SuiteTest {
  return lawTest(`conv of ${L} = ${L} steps (B${B} D${D} W${W})`, async (kernel, scope) => {
    const inputs = inputsOf(convCase(B, L, D, W, flags));
    const whole = conv(kernel, scope, inputs, 0, L);
    const y: CaseInput = { data: await readFloats(kernel, whole.y), shape: [B, L, D], dtype: "f32" };
    const { x, initialState, ...rest } = inputs;
    check(x !== undefined && initialState !== undefined, "the case has x and a state");
    const tensors = load(kernel, scope, { ...rest, state: initialState });
    const { state, ...parameters } = tensors;
    check(state !== undefined, "the state was uploaded");
    for (let l = 0; l < L; l++) {
      using step = new Scope();
      const row = load(kernel, step, { x: { ...copyPositions(x, l, l + 1), shape: [B, D] } });
      const args = { ...parameters, ...row, activation: "silu" } as unknown as ConvArgs;
      const out = step.use(kernel.causalConv1dStep(state, args));
      checkAgree(`y at ${l}`, await readFloats(kernel, out), copyPositions(y, l, l + 1).data);
    }
    await checkState(kernel, state, whole.finalState);
  });
}

export const convStateTests: readonly SuiteTest[] = [
  splitTest(2, 37, 5, 4, 1),
  splitTest(1, 64, 3, 4, 32),
  splitTest(3, 9, 7, 16, 8),
  splitTest(2, 5, 4, 2, 3),
  stepTest(3, 9, 5, 4),
  stepTest(1, 20, 9, 16),
];
