import { type AdamWParams, type Residual, Scope, type Tensor, type TrainingKernel } from "@mamba/kernel";
import { checkThrows } from "../assert.ts";
import { trainingKernel, trainingSkipReason } from "../case.ts";
import { checkNoLeak } from "../leak.ts";
import type { SuiteTest } from "../suite.ts";
import { brokenArgumentTests } from "./broken.ts";
import { B, D, L, N } from "./calls.ts";
import { makeResidual, trainingCalls } from "./trainingCalls.ts";

/** Calls with a scalar out of range: all throw ARGUMENT. */
function scalars(kernel: TrainingKernel, scope: Scope): [op: string, what: string, call: () => unknown][] {
  const x = scope.use(kernel.zeros([2, 5], "f32"));
  const ids = scope.use(kernel.zeros([2], "i32"));
  const slot = { param: x, grad: x, m: x, v: x };
  const adam = (change: Partial<AdamWParams>) => () => {
    const hyper = { step: 1, lr: 0.1, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0, ...change };
    kernel.adamwStep([slot], hyper);
  };
  return [
    [
      "accumulate",
      "factor NaN",
      () => {
        kernel.accumulate(x, x, NaN);
      },
    ],
    [
      "accumulate",
      "factor infinite",
      () => {
        kernel.accumulate(x, x, Infinity);
      },
    ],
    ["rmsNormBackward", "eps negative", () => kernel.rmsNormBackward(x, x, undefined, -1e-5)],
    ["rmsNormBackward", "eps NaN", () => kernel.rmsNormBackward(x, x, undefined, NaN)],
    ["embeddingBackward", "vocabSize 0", () => kernel.embeddingBackward(x, ids, 0)],
    ["embeddingBackward", "vocabSize 2.5", () => kernel.embeddingBackward(x, ids, 2.5)],
    ["crossEntropy", "ignoreIndex 0.5", () => kernel.crossEntropy(x, ids, 0.5)],
    ["crossEntropyWithGradient", "ignoreIndex NaN", () => kernel.crossEntropyWithGradient(x, ids, NaN)],
    ["sumOfSquares", "no tensors", () => kernel.sumOfSquares([])],
    [
      "adamwStep",
      "no slots",
      () => {
        kernel.adamwStep([], { step: 1, lr: 0.1, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0 });
      },
    ],
    ["adamwStep", "step 0", adam({ step: 0 })],
    ["adamwStep", "step 1.5", adam({ step: 1.5 })],
    ["adamwStep", "lr NaN", adam({ lr: NaN })],
    ["adamwStep", "lr negative", adam({ lr: -0.1 })],
    ["adamwStep", "beta1 of 1", adam({ beta1: 1 })],
    ["adamwStep", "beta2 negative", adam({ beta2: -0.1 })],
    ["adamwStep", "eps negative", adam({ eps: -1e-8 })],
    ["adamwStep", "weightDecay infinite", adam({ weightDecay: Infinity })],
  ];
}

/** The backward of a scan over zeros, with this residual. */
function backward(kernel: TrainingKernel, scope: Scope, residual: Residual): unknown {
  const zeros = (...shape: number[]): Tensor => scope.use(kernel.zeros(shape, "f32"));
  const u = zeros(B, L, D);
  const states = zeros(B, L, N);
  return kernel.selectiveScanBackward(u, { u, delta: u, A: zeros(D, N), B: states, C: states }, residual);
}

const needsTraining = { skip: trainingSkipReason };

export const trainingArgumentTests: SuiteTest[] = [
  ...trainingCalls.flatMap(brokenArgumentTests),
  {
    name: "arguments: scalars of the training ops out of range are refused",
    ...needsTraining,
    body: async (session) => {
      const kernel = trainingKernel("scalars", await session.kernel());
      await checkNoLeak("scalars", kernel, () => {
        using scope = new Scope();
        for (const [op, what, call] of scalars(kernel, scope)) checkThrows("ARGUMENT", op, what, call);
      });
    },
  },
  {
    name: "arguments: selectiveScanBackward refuses residuals that are disposed, of another kernel or of other sizes",
    ...needsTraining,
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
