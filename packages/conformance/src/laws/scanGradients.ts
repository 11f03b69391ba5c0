import { type ScanArgs, type Scope, type Tensor, type TrainingKernel } from "@mamba/kernel";
import { check } from "../assert.ts";
import { residualOf } from "../cases/scanBackwardInputs.ts";
import { scanBackwardCase } from "../ops/selectiveScanBackward.ts";
import type { SuiteTest } from "../suiteTest.ts";
import { checkChunks, cut, type Inputs, readGrads } from "./gradients.ts";
import { checkAgree, chunksAt, inputsOf, load, loadOne, readFloats, trainingLaw } from "./harness.ts";

// The gradient of a scan can be computed in chunks, from the last to the first: the gradient of a chunk's initial state is
// the gradient of the final state of the chunk before.

const flags = {
  D: true,
  z: true,
  deltaBias: true,
  softplus: true,
  initialState: true,
  sequenceIds: false,
  dFinalState: true,
  view: false,
};
const sequences = ["dy", "u", "delta", "B", "C", "z"];

/** Uploads positions [from, to): `dy` and the arguments of the scan. */
function place(
  kernel: TrainingKernel,
  scope: Scope,
  { dFinalState: _, ...inputs }: Inputs,
  from: number,
  to: number,
  state?: Tensor,
): { dy: Tensor; args: ScanArgs } {
  const { dy, ...tensors } = load(kernel, scope, cut(inputs, sequences, from, to));
  check(dy !== undefined, "the case has dy");
  // The case has all arguments under their names.
  const args = {
    ...tensors,
    ...(state && { initialState: state }),
    deltaSoftplus: true,
  } as unknown as ScanArgs;
  return { dy, args };
}

/** Reads the gradients; `dState` is the tensor of the gradient of `initialState`. */
async function gradientsOf(
  kernel: TrainingKernel,
  scope: Scope,
  { dy, args }: { dy: Tensor; args: ScanArgs },
  dFinalState: Tensor,
) {
  const residual = scope.use(residualOf(kernel, args));
  const grads = kernel.selectiveScanBackward(dy, args, residual, dFinalState);
  check(grads.initialState !== undefined, "initialState was given and has a gradient");
  return { host: await readGrads(kernel, scope, grads), dState: grads.initialState };
}

function splitTest(B: number, L: number, D: number, N: number, cuts: readonly number[]): SuiteTest {
  const what = `gradient of a scan of ${L} = gradients of scans cut at ${cuts.join(", ")} (B${B} D${D} N${N})`;
  return trainingLaw(what, async (kernel, scope) => {
    const inputs = inputsOf(scanBackwardCase([B, L, D, N], flags));
    const dFinalState = loadOne(kernel, scope, inputs, "dFinalState");
    const whole = await gradientsOf(kernel, scope, place(kernel, scope, inputs, 0, L), dFinalState);

    const chunks: (ReturnType<typeof place> & { length: number })[] = [];
    let state: Tensor | undefined;
    for (const { from, to } of chunksAt(L, cuts)) {
      const chunk = place(kernel, scope, inputs, from, to, state);
      chunks.push({ ...chunk, length: to - from });
      const { y, finalState } = kernel.selectiveScan(chunk.args, { finalState: true });
      scope.use(y);
      state = scope.use(finalState);
    }
    let flow = dFinalState;
    const found = [];
    for (const chunk of chunks.reverse()) {
      const { host, dState } = await gradientsOf(kernel, scope, chunk, flow);
      found.unshift({ grads: host, length: chunk.length });
      flow = dState;
    }
    checkChunks(whole.host, found, sequences, B);
  });
}

function forwardTest(B: number, L: number, D: number, N: number): SuiteTest {
  return trainingLaw(
    `selectiveScanForward = selectiveScan (B${B} L${L} D${D} N${N})`,
    async (kernel, scope) => {
      const inputs = inputsOf(scanBackwardCase([B, L, D, N], flags));
      const { args } = place(kernel, scope, inputs, 0, L);
      const kept = kernel.selectiveScanForward(args);
      scope.use(kept.residual);
      const plain = kernel.selectiveScan(args, { finalState: true });
      for (const name of ["y", "finalState"] as const) {
        const [a, b] = [scope.use(kept[name]), scope.use(plain[name])];
        checkAgree(name, await readFloats(kernel, a), await readFloats(kernel, b));
      }
    },
  );
}

export const scanGradientTests: readonly SuiteTest[] = [
  splitTest(2, 37, 5, 16, [1]),
  splitTest(1, 65, 3, 4, [16, 17, 40]),
  splitTest(3, 129, 7, 5, [128]),
  splitTest(2, 200, 4, 1, [63, 150]),
  forwardTest(2, 33, 5, 16),
  forwardTest(1, 300, 9, 4),
];
