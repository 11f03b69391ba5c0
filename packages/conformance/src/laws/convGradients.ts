import type { ConvArgs, Scope, Tensor, TrainingKernel } from "@mamba/kernel";
import { check } from "../assert.ts";
import { convBackwardCase } from "../ops/causalConv1dBackward.ts";
import type { SuiteTest } from "../suiteTest.ts";
import { checkChunks, cut, type Inputs, readGrads } from "./gradients.ts";
import { inputsOf, load, loadOne, trainingLaw } from "./harness.ts";

const flags = {
  bias: true,
  silu: true,
  initialState: true,
  sequenceIds: false,
  dFinalState: true,
  view: false,
};
const sequences = ["dy", "x"];

/** Gradients of positions [from, to), and the state after them. */
async function gradientsOf(
  kernel: TrainingKernel,
  scope: Scope,
  { dFinalState: _, ...inputs }: Inputs,
  [from, to]: readonly [number, number],
  flow: Tensor,
  state?: Tensor,
) {
  const { dy, ...tensors } = load(kernel, scope, cut(inputs, sequences, from, to));
  check(dy !== undefined, "the case has dy");
  // The case has all arguments under their names.
  const given: unknown = { ...tensors, ...(state && { initialState: state }), activation: "silu" };
  const args = given as ConvArgs;
  const grads = kernel.causalConv1dBackward(dy, args, flow);
  check(grads.initialState !== undefined, "initialState was given and has a gradient");
  return { host: await readGrads(kernel, scope, grads), dState: grads.initialState };
}

/** The inputs of a case, with its `dFinalState` uploaded. */
function caseOf(kernel: TrainingKernel, scope: Scope, sizes: readonly [number, number, number, number]) {
  const inputs = inputsOf(convBackwardCase(...sizes, flags));
  return { inputs, dFinalState: loadOne(kernel, scope, inputs, "dFinalState") };
}

function splitTest(B: number, L: number, D: number, W: number, cutAt: number): SuiteTest {
  const what = `gradient of a conv of ${L} = gradients of convs cut at ${cutAt} (B${B} D${D} W${W})`;
  return trainingLaw(what, async (kernel, scope) => {
    const { inputs, dFinalState } = caseOf(kernel, scope, [B, L, D, W]);
    const whole = await gradientsOf(kernel, scope, inputs, [0, L], dFinalState);
    const head = load(kernel, scope, cut(inputs, sequences, 0, cutAt)) as unknown as ConvArgs;
    const { y, finalState } = kernel.causalConv1d({ ...head, activation: "silu" }, { finalState: true });
    scope.use(y);
    scope.use(finalState);
    const second = await gradientsOf(kernel, scope, inputs, [cutAt, L], dFinalState, finalState);
    const first = await gradientsOf(kernel, scope, inputs, [0, cutAt], second.dState);
    const chunks = [
      { grads: first.host, length: cutAt },
      { grads: second.host, length: L - cutAt },
    ];
    checkChunks(whole.host, chunks, sequences, B);
  });
}

export const convGradientTests: readonly SuiteTest[] = [
  splitTest(2, 37, 5, 4, 1),
  splitTest(1, 64, 3, 4, 32),
  splitTest(3, 9, 7, 16, 8),
  splitTest(2, 5, 4, 2, 3),
];
