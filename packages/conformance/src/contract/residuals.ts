import { type KernelOp, type Residual, Scope, type Tensor, type TrainingKernel } from "@mamba/kernel";
import { checkThrows } from "../assert.ts";
import { trainingKernel, trainingSkipReason } from "../case.ts";
import { makeResidual } from "../cases/scanBackwardInputs.ts";
import { makeSsdResidual, ssdMinimal, ssdScalars } from "../cases/ssdInputs.ts";
import { checkNoLeak } from "../leak.ts";
import { attentionScalars } from "../ops/attention.ts";
import { zeroResidual } from "../ops/attentionBackward.ts";
import { B, D, L, N } from "../opSuite.ts";
import type { SuiteTest } from "../suiteTest.ts";

/** A backward op over zeros that takes the residual of its forward. */
interface Backward {
  readonly op: KernelOp;
  readonly make: (kernel: TrainingKernel, length?: number) => Residual;
  readonly call: (kernel: TrainingKernel, scope: Scope, residual: Residual) => unknown;
}

const zerosOf =
  (kernel: TrainingKernel, scope: Scope) =>
  (...shape: number[]): Tensor =>
    scope.use(kernel.zeros(shape, "f32"));

const scan: Backward = {
  op: "selectiveScanBackward",
  make: makeResidual,
  call: (kernel, scope, residual) => {
    const zeros = zerosOf(kernel, scope);
    const u = zeros(B, L, D);
    const states = zeros(B, L, N);
    return kernel.selectiveScanBackward(u, { u, delta: u, A: zeros(D, N), B: states, C: states }, residual);
  },
};

const ssdScan: Backward = {
  op: "ssdScanBackward",
  make: makeSsdResidual,
  call: (kernel, scope, residual) => {
    const { B, L, H, P, G, N } = ssdMinimal;
    const zeros = zerosOf(kernel, scope);
    const [x, states, scalars] = [zeros(B, L, H * P), zeros(B, L, G * N), zeros(B, L, H)];
    const args = { x, B: states, C: states, logDecay: scalars, weight: scalars, ...ssdScalars(ssdMinimal) };
    return kernel.ssdScanBackward(x, args, residual);
  },
};

const attention: Backward = {
  op: "attentionBackward",
  make: zeroResidual,
  call: (kernel, scope, residual) => {
    const zeros = zerosOf(kernel, scope);
    const y = zeros(B, L, 20);
    const args = { q: zeros(B, L, 12), k: zeros(B, L, 6), v: zeros(B, L, 10), ...attentionScalars };
    return kernel.attentionBackward(y, args, y, residual);
  },
};

/** @param other an op whose residual is of another kind */
const residualTest = ({ op, make, call }: Backward, other: Backward): SuiteTest => ({
  name: `arguments: ${op} refuses residuals that are disposed, of another kernel, op or length`,
  skip: trainingSkipReason,
  body: async (session) => {
    const kernel = trainingKernel(op, await session.kernel());
    await using second = trainingKernel(op, await session.open());
    await checkNoLeak(op, kernel, () => {
      using scope = new Scope();
      const gone = make(kernel);
      gone.dispose();
      const foreign = scope.use(make(second));
      const longer = scope.use(make(kernel, 40));
      const ofOther = scope.use(other.make(kernel));
      checkThrows("DISPOSED", op, "a disposed residual", () => call(kernel, scope, gone));
      checkThrows("FOREIGN_TENSOR", op, "another kernel's residual", () => call(kernel, scope, foreign));
      checkThrows("SHAPE", op, "the residual of a longer call", () => call(kernel, scope, longer));
      checkThrows("ARGUMENT", op, "the residual of another op", () => call(kernel, scope, ofOther));
    });
  },
});

export const residualArgumentTests: SuiteTest[] = [
  residualTest(scan, ssdScan),
  residualTest(ssdScan, attention),
  residualTest(attention, scan),
];
