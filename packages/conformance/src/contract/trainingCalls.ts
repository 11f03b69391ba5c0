import {
  canTrain,
  type Kernel,
  type Residual,
  Scope,
  type Shape,
  type Tensor,
  type TrainingKernel,
  type TrainingOps,
} from "@mamba/kernel";
import { trainingKernel } from "../case.ts";
import { gradients } from "../cases/shared.ts";
import { residualOf } from "../cases/scanBackward.ts";
import { B, convArgs, D, L, type MinimalCall, minimalCalls, N, scanArgs, shapes, W } from "./calls.ts";

type Args<K extends string> = Readonly<Record<K, { shape: Shape; dtype: "f32" | "i32" }>>;

function define<K extends string>(
  op: keyof TrainingOps,
  args: Args<K>,
  dense: readonly NoInfer<K>[],
  call: (kernel: TrainingKernel, tensors: Readonly<Record<K, Tensor>>) => readonly Tensor[],
): MinimalCall {
  return {
    op,
    training: true,
    args,
    dense,
    call: (kernel, tensors) => call(trainingKernel(op, kernel), tensors),
  };
}

const floats = (...shape: number[]) => ({ shape, dtype: "f32" }) as const;

/** The residual of a scan over zeros. */
export function makeResidual(kernel: TrainingKernel, length = L): Residual {
  using scope = new Scope();
  const zeros = (...shape: number[]): Tensor => scope.use(kernel.zeros(shape, "f32"));
  const u = zeros(B, length, D);
  const states = zeros(B, length, N);
  return residualOf(kernel, { u, delta: u, A: zeros(D, N), B: states, C: states });
}

const backwardArgs = { dy: shapes.x, ...scanArgs, dFinalState: scanArgs.initialState };
const slot = { param: floats(D, 7), grad: floats(D, 7), m: floats(D, 7), v: floats(D, 7) };
const hyper = { step: 1, lr: 0.01, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0.1 };
const lossArgs = { logits: shapes.logits, targets: { shape: [B], dtype: "i32" } } as const;

export const trainingCalls: readonly MinimalCall[] = [
  define("accumulate", { target: shapes.x, x: shapes.x }, [], (k, t) => {
    k.accumulate(t.target, t.x);
    return [];
  }),
  define("siluBackward", { dy: shapes.x, x: shapes.x }, [], (k, t) => [k.siluBackward(t.dy, t.x)]),
  define("linearBackwardInput", { dy: floats(B, L, 6), weight: floats(6, D) }, ["weight"], (k, t) => [
    k.linearBackwardInput(t.dy, t.weight),
  ]),
  define("linearBackwardWeight", { dy: floats(B, L, 6), x: shapes.x }, [], (k, t) => [
    k.linearBackwardWeight(t.dy, t.x),
  ]),
  define("sumRows", { dy: shapes.x }, [], (k, t) => [k.sumRows(t.dy)]),
  define("rmsNormBackward", { dy: shapes.x, x: shapes.x, weight: shapes.channels }, [], (k, t) => {
    const { dx, dWeight } = k.rmsNormBackward(t.dy, t.x, t.weight, 1e-5);
    return dWeight ? [dx, dWeight] : [dx];
  }),
  define("embeddingBackward", { dy: shapes.x, ids: { shape: [B, L], dtype: "i32" } }, ["ids"], (k, t) => [
    k.embeddingBackward(t.dy, t.ids, 7),
  ]),
  define(
    "causalConv1dBackward",
    { dy: shapes.x, ...convArgs, dFinalState: floats(B, D, W - 1) },
    ["weight", "initialState", "range", "dFinalState"],
    (k, { dy, dFinalState, ...args }) =>
      Object.values(gradients(k.causalConv1dBackward(dy, args, dFinalState))),
  ),
  define("selectiveScanForward", scanArgs, ["A", "initialState", "range"], (k, t) => {
    const { y, finalState, residual } = k.selectiveScanForward(t);
    residual.dispose();
    return [y, finalState];
  }),
  {
    op: "selectiveScanBackward",
    training: true,
    args: backwardArgs,
    dense: ["A", "initialState", "range", "dFinalState"],
    prepare: (kernel) => makeResidual(trainingKernel("selectiveScanBackward", kernel)),
    call: (kernel, tensors, residual) => {
      const { dy, dFinalState, ...args } = tensors as Readonly<Record<keyof typeof backwardArgs, Tensor>>;
      const k = trainingKernel("selectiveScanBackward", kernel);
      // What `prepare` gave comes back.
      return Object.values(gradients(k.selectiveScanBackward(dy, args, residual as Residual, dFinalState)));
    },
  },
  define("crossEntropy", lossArgs, ["targets"], (k, t) => [k.crossEntropy(t.logits, t.targets).loss]),
  define("crossEntropyWithGradient", lossArgs, ["targets"], (k, t) => {
    const { loss, dLogits } = k.crossEntropyWithGradient(t.logits, t.targets);
    return [loss, dLogits];
  }),
  define("sumOfSquares", { x0: shapes.x, x1: floats(N) }, [], (k, t) => [k.sumOfSquares([t.x0, t.x1])]),
  define(
    "adamwStep",
    { ...slot, gradScale: floats(1) },
    ["param", "grad", "m", "v"],
    (k, { gradScale, ...rest }) => {
      k.adamwStep([rest], hyper, gradScale);
      return [];
    },
  ),
];

/** The calls that this kernel has. */
export function callsOf(kernel: Kernel): readonly MinimalCall[] {
  return canTrain(kernel) ? [...minimalCalls, ...trainingCalls] : minimalCalls;
}
