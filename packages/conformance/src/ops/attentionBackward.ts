import { type AttentionArgs, type Residual, Scope, type Tensor, type TrainingKernel } from "@mamba/kernel";
import { defineTrainingCase, type OpCase } from "../case.ts";
import {
  type AttentionShape,
  causalPairs,
  pairFlops,
  softmaxRow,
  visibleKeys,
} from "../cases/attentionInputs.ts";
import { bytesOf, gradients, result } from "../cases/inputs.ts";
import { sequenceKinds } from "../cases/sequenceIds.ts";
import type { Values } from "../math.ts";
import { B, defineTrainingOp, f32, L } from "../opSuite.ts";
import {
  attention,
  attentionArgs,
  attentionBytes,
  attentionInputs,
  attentionLabel,
  type AttentionOptions,
  attentionScalars,
  attentionShapes,
  type AttentionValues,
  scaleFor,
} from "./attention.ts";

/**
 * With p = softmax(s), s = scale · q · kᵀ and y = p · v: dv = pᵀ · dy, ds = p ⊙ (dy · vᵀ - sum(dy ⊙ y)), dq = scale · ds · k and
 * dk = scale · dsᵀ · q.
 */
function reference(
  { B, L, H, G, K, V }: AttentionShape,
  dy: Values,
  { q, k, v, scale, sequenceIds }: AttentionValues,
): { q: Float64Array; k: Float64Array; v: Float64Array } {
  const grads = {
    q: new Float64Array(B * L * H * K),
    k: new Float64Array(B * L * G * K),
    v: new Float64Array(B * L * G * V),
  };
  for (let b = 0; b < B; b++) {
    for (let i = 0; i < L; i++) {
      const keys = visibleKeys(sequenceIds, b, i, L);
      if (keys.length === 0) continue;
      for (let h = 0; h < H; h++) {
        const g = Math.floor(h / (H / G));
        const qAt = ((b * L + i) * H + h) * K;
        const yAt = ((b * L + i) * H + h) * V;
        const kAt = (j: number): number => ((b * L + j) * G + g) * K;
        const vAt = (j: number): number => ((b * L + j) * G + g) * V;
        const { weights } = softmaxRow(keys, K, scale, q, qAt, k, kAt);
        const products = keys.map((j) => {
          let sum = 0;
          for (let d = 0; d < V; d++) sum += dy[yAt + d]! * v[vAt(j) + d]!;
          return sum;
        });
        const mean = products.reduce((sum, product, n) => sum + product * weights[n]!, 0);
        keys.forEach((j, n) => {
          const weight = weights[n]!;
          for (let d = 0; d < V; d++) grads.v[vAt(j) + d]! += weight * dy[yAt + d]!;
          const ds = weight * (products[n]! - mean) * scale;
          for (let d = 0; d < K; d++) {
            grads.q[qAt + d]! += ds * k[kAt(j) + d]!;
            grads.k[kAt(j) + d]! += ds * q[qAt + d]!;
          }
        });
      }
    }
  }
  return grads;
}

/** The results of a forward that its backward needs. They are disposed together. */
export class AttentionResults implements Disposable {
  readonly y: Tensor;
  readonly residual: Residual;

  constructor(y: Tensor, residual: Residual) {
    this.y = y;
    this.residual = residual;
  }

  [Symbol.dispose](): void {
    this.y.dispose();
    this.residual.dispose();
  }
}

/** Runs the forward for its backward. */
export function attentionResults(kernel: TrainingKernel, args: AttentionArgs): AttentionResults {
  const { y, residual } = kernel.attentionForward(args);
  return new AttentionResults(y, residual);
}

/** The forward that also returns the residual of its backward. */
function forwardCase(shape: AttentionShape, options: AttentionOptions = {}): OpCase {
  const { B, L, H, G, V } = shape;
  const call = { heads: H, kvHeads: G, scale: scaleFor(shape, options) };
  return defineTrainingCase({
    op: "attentionForward",
    label: attentionLabel(shape, options),
    sizes: { ...shape },
    cost: { flops: causalPairs(shape) * pairFlops(shape), bytes: attentionBytes(shape, options.packed) },
    inputs: () => attentionInputs("attentionForward", shape, options).args,
    run: (kernel, t) => {
      const { y, residual } = kernel.attentionForward({ ...t, ...call });
      residual.dispose();
      return { y };
    },
    reference: (v) => ({ y: result([B, L, H * V], attention.reference(shape, { ...v, ...call })) }),
  });
}

function attentionBackwardCase(shape: AttentionShape, options: AttentionOptions = {}): OpCase {
  const { B, L, H, G, K, V } = shape;
  const call = { heads: H, kvHeads: G, scale: scaleFor(shape, options) };
  return defineTrainingCase({
    op: "attentionBackward",
    label: attentionLabel(shape, options),
    sizes: { ...shape },
    cost: {
      // The scores again, the products with dy, and three sums.
      flops: causalPairs(shape) * (3 * 2 * K + 2 * 2 * V + 5),
      // The arguments with dy, and the gradients. The residual and y are made before.
      bytes: attentionBytes(shape, options.packed) + bytesOf(B * L * (H * K + G * (K + V))),
    },
    inputs: () => {
      const { args, dy } = attentionInputs("attentionBackward", shape, options);
      return { ...args, dy };
    },
    prepare: (kernel, { dy: _, ...args }) => attentionResults(kernel, { ...args, ...call }),
    run: (kernel, { dy, ...args }, { y, residual }: AttentionResults) =>
      gradients({ ...kernel.attentionBackward(dy, { ...args, ...call }, y, residual) }),
    reference: ({ dy, ...args }) => {
      const grads = reference(shape, dy, { ...args, ...call });
      return {
        d_q: result([B, L, H * K], grads.q),
        d_k: result([B, L, G * K], grads.k),
        d_v: result([B, L, G * V], grads.v),
      };
    },
  });
}

const packedCases = (build: typeof forwardCase): OpCase[] => [
  build({ B: sequenceKinds, L: 20, H: 4, G: 2, K: 8, V: 6 }, { packed: true }),
  build({ B: 3, L: 130, H: 3, G: 1, K: 6, V: 5 }, { packed: true }),
  build({ B: 2, L: 67, H: 4, G: 2, K: 6, V: 9 }, { packed: true, view: true }),
  build({ B: 2, L: 33, H: 4, G: 4, K: 7, V: 3 }, { view: true }),
  build({ B: 1, L: 66, H: 2, G: 1, K: 16, V: 16 }, { scale: 3, note: ", a large scale" }),
];

/** Makes the residual of a forward over zeros, of the minimal sizes. */
export function zeroResidual(kernel: TrainingKernel, length = L): Residual {
  using scope = new Scope();
  const zeros = (width: number): Tensor => scope.use(kernel.zeros([B, length, width], "f32"));
  const args = { q: zeros(12), k: zeros(6), v: zeros(10), ...attentionScalars };
  const { y, residual } = kernel.attentionForward(args);
  y.dispose();
  return residual;
}

export const attentionForward = defineTrainingOp("attentionForward", {
  reference: attention.reference,
  cases: [...attentionShapes.map((shape) => forwardCase(shape)), ...packedCases(forwardCase)],
  minimal: {
    args: attentionArgs,
    dense: ["sequenceIds"],
    call: (k, t) => {
      const { y, residual } = k.attentionForward({ ...t, ...attentionScalars });
      residual.dispose();
      return [y];
    },
  },
  batched: { arguments: ["q", "k", "v"] },
});

export const attentionBackward = defineTrainingOp("attentionBackward", {
  reference,
  cases: [
    ...attentionShapes.map((shape) => attentionBackwardCase(shape)),
    ...packedCases(attentionBackwardCase),
  ],
  benchmarks: [attentionBackwardCase({ B: 1, L: 512, H: 12, G: 4, K: 64, V: 64 })],
  minimal: {
    args: { ...attentionArgs, dy: f32(B, L, 20), y: f32(B, L, 20) },
    dense: ["sequenceIds"],
    prepare: (k) => zeroResidual(k),
    call: (k, { dy, y, ...args }, residual) => {
      const grads = k.attentionBackward(dy, { ...args, ...attentionScalars }, y, residual as Residual);
      return Object.values(grads);
    },
  },
  batched: { arguments: ["q", "k", "v", "dy"] },
});
