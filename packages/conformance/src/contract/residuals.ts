import { type Residual, Scope, type Tensor, type TrainingKernel } from "@mamba/kernel";
import { checkThrows } from "../assert.ts";
import { trainingKernel, trainingSkipReason } from "../case.ts";
import { makeResidual } from "../cases/scanBackwardInputs.ts";
import { checkNoLeak } from "../leak.ts";
import { B, D, L, N } from "../opSuite.ts";
import type { SuiteTest } from "../suiteTest.ts";

/** The backward of a scan over zeros, with this residual. */
function backward(kernel: TrainingKernel, scope: Scope, residual: Residual): unknown {
  const zeros = (...shape: number[]): Tensor => scope.use(kernel.zeros(shape, "f32"));
  const u = zeros(B, L, D);
  const states = zeros(B, L, N);
  return kernel.selectiveScanBackward(u, { u, delta: u, A: zeros(D, N), B: states, C: states }, residual);
}

export const residualArgumentTests: SuiteTest[] = [
  {
    name: "arguments: selectiveScanBackward refuses residuals that are disposed, of another kernel or of other sizes",
    skip: trainingSkipReason,
    body: async (session) => {
      const op = "selectiveScanBackward";
      const kernel = trainingKernel(op, await session.kernel());
      await using other = trainingKernel(op, await session.open());
      await checkNoLeak(op, kernel, () => {
        using scope = new Scope();
        const gone = makeResidual(kernel);
        gone.dispose();
        const foreign = scope.use(makeResidual(other));
        const longer = scope.use(makeResidual(kernel, 2000));
        checkThrows("DISPOSED", op, "a disposed residual", () => backward(kernel, scope, gone));
        checkThrows("FOREIGN_TENSOR", op, "another kernel's residual", () =>
          backward(kernel, scope, foreign),
        );
        checkThrows("SHAPE", op, "a longer scan's residual", () => backward(kernel, scope, longer));
      });
    },
  },
];
