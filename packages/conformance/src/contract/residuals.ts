import { type Residual, Scope, type Tensor, type TrainingKernel } from "@mamba/kernel";
import { checkThrows } from "../assert.ts";
import { trainingKernel, trainingSkipReason } from "../case.ts";
import { makeResidual } from "../cases/scanBackwardInputs.ts";
import { makeSsdResidual, ssdMinimal, ssdScalars } from "../cases/ssdInputs.ts";
import { checkNoLeak } from "../leak.ts";
import { B, D, L, N } from "../opSuite.ts";
import type { SuiteTest } from "../suiteTest.ts";

/** A backward over zeros of the minimal sizes with a residual, and residuals of its forward and of another op. */
interface Backward {
  readonly op: "selectiveScanBackward" | "ssdScanBackward";
  readonly run: (
    kernel: TrainingKernel,
    zeros: (...shape: number[]) => Tensor,
    residual: Residual,
  ) => unknown;
  readonly residual: (kernel: TrainingKernel, length?: number) => Residual;
  readonly other: (kernel: TrainingKernel) => Residual;
}

const backwards: readonly Backward[] = [
  {
    op: "selectiveScanBackward",
    run: (kernel, zeros, residual) => {
      const u = zeros(B, L, D);
      const states = zeros(B, L, N);
      const args = { u, delta: u, A: zeros(D, N), B: states, C: states };
      return kernel.selectiveScanBackward(u, args, residual);
    },
    residual: makeResidual,
    other: makeSsdResidual,
  },
  {
    op: "ssdScanBackward",
    run: (kernel, zeros, residual) => {
      const { B, L, H, P, G, N } = ssdMinimal;
      const [x, states, scalars] = [zeros(B, L, H * P), zeros(B, L, G * N), zeros(B, L, H)];
      const args = { x, B: states, C: states, logDecay: scalars, weight: scalars, ...ssdScalars(ssdMinimal) };
      return kernel.ssdScanBackward(x, args, residual);
    },
    residual: makeSsdResidual,
    other: makeResidual,
  },
];

export const residualArgumentTests: SuiteTest[] = backwards.map(({ op, run, residual, other: otherOp }) => ({
  name: `arguments: ${op} refuses residuals that are disposed, of another kernel, of another op or of other sizes`,
  skip: trainingSkipReason,
  body: async (session) => {
    const kernel = trainingKernel(op, await session.kernel());
    await using other = trainingKernel(op, await session.open());
    await checkNoLeak(op, kernel, () => {
      using scope = new Scope();
      const backward = (given: Residual) => () =>
        run(kernel, (...shape) => scope.use(kernel.zeros(shape, "f32")), given);
      const gone = residual(kernel);
      gone.dispose();
      checkThrows("DISPOSED", op, "a disposed residual", backward(gone));
      const foreign = scope.use(residual(other));
      checkThrows("FOREIGN_TENSOR", op, "another kernel's residual", backward(foreign));
      checkThrows("ARGUMENT", op, "another op's residual", backward(scope.use(otherOp(kernel))));
      const longer = scope.use(residual(kernel, 2000));
      checkThrows("SHAPE", op, "a longer scan's residual", backward(longer));
    });
  },
}));
