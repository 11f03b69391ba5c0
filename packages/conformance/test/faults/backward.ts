import { elementCount, fromF16, isDense, type Tensor, toF16 } from "@mamba/kernel";
import { reference } from "../../src/index.ts";
import type { ArenaTensor } from "../arena.ts";
import { ReferenceTrainingKernel } from "../trainingKernel.ts";
import type { Fault } from "./fault.ts";

type ConvBackward = typeof reference.causalConv1dBackward;
type ConvParameters = Parameters<ConvBackward>;
const right = reference.causalConv1dBackward;
const conv = /^causalConv1dBackward /;

/** A kernel whose convolution has other gradients. */
class WrongConv extends ReferenceTrainingKernel {
  constructor(gradients: ConvBackward) {
    super();
    this.convGradients = gradients;
  }
}

const wrongConv = (name: string, gradients: ConvBackward, seenBy = conv): Fault => ({
  name: `conv backward: ${name}`,
  seenBy,
  open: () => new WrongConv(gradients),
});

const of =
  (change: Partial<ConvParameters[5]>): ConvBackward =>
  (B, L, D, W, dy, values, dFinalState) =>
    right(B, L, D, W, dy, { ...values, ...change }, dFinalState);

/** Reads views as if their rows followed each other. */
class IgnoresRowStride extends ReferenceTrainingKernel {
  protected override own(op: string, tensor: Tensor): ArenaTensor {
    const own = super.own(op, tensor);
    if (op !== "linearBackwardWeight" || own.disposed || isDense(own)) return own;
    const view = own.view(own.shape, own.shape[own.shape.length - 1] as number, own.start);
    view.dispose();
    return view;
  }
}

class RoundsToHalf extends ReferenceTrainingKernel {
  override linearBackwardInput(dy: Tensor, weight: Tensor) {
    const dx = super.linearBackwardInput(dy, weight);
    const data = this.own("linearBackwardInput", dx).elements;
    for (let i = 0; i < elementCount(dx.shape); i++) data[i] = fromF16(toF16(data[i] as number));
    return dx;
  }
}

/** A register tile of eight rows, and what is left over forgotten. */
class SkipsTheLastRows extends ReferenceTrainingKernel {
  override sumRows(dy: Tensor) {
    const rows = elementCount(dy.shape) / (dy.shape[dy.shape.length - 1] as number);
    if (dy.disposed || rows < 8) return super.sumRows(dy);
    const features = dy.shape[dy.shape.length - 1] as number;
    const values = this.values("sumRows", dy).subarray(0, (rows - (rows % 8)) * features);
    return this.result([features], reference.sumRows(rows - (rows % 8), features, values));
  }
}

class ForgetsTheMean extends ReferenceTrainingKernel {
  override rmsNormBackward(dy: Tensor, x: Tensor, weight: Tensor | undefined, eps: number) {
    const results = super.rmsNormBackward(dy, x, weight, eps);
    const features = x.shape[x.shape.length - 1] as number;
    const [g, w] = [this.values("rmsNormBackward", dy), this.values("rmsNormBackward", weight)];
    using norms = this.rmsNorm(x, undefined, eps);
    const [n, values] = [this.values("rmsNormBackward", norms), this.values("rmsNormBackward", x)];
    const dx = g.map(
      (value, i) => (value * (w?.[i % features] ?? 1) * (n[i] as number)) / (values[i] as number),
    );
    this.own("rmsNormBackward", results.dx).elements.set(dx);
    return results;
  }
}

class EpsOutside extends ReferenceTrainingKernel {
  override rmsNormBackward(dy: Tensor, x: Tensor, weight: Tensor | undefined, eps: number) {
    return super.rmsNormBackward(dy, x, weight, Math.sqrt(eps));
  }
}

class OverwritesDuplicates extends ReferenceTrainingKernel {
  override embeddingBackward(dy: Tensor, ids: Tensor, vocabSize: number) {
    const dWeight = super.embeddingBackward(dy, ids, vocabSize);
    const [, features = 0] = dWeight.shape;
    const g = this.values("embeddingBackward", dy);
    this.values("embeddingBackward", ids).forEach((id, i) => {
      const row = Math.min(Math.max(id, 0), vocabSize - 1) * features;
      this.own("embeddingBackward", dWeight).elements.set(g.subarray(i * features, (i + 1) * features), row);
    });
    return dWeight;
  }
}

class DropsIdsOutOfRange extends ReferenceTrainingKernel {
  override embeddingBackward(dy: Tensor, ids: Tensor, vocabSize: number) {
    if (ids.disposed || ids.dtype !== "i32" || dy.disposed)
      return super.embeddingBackward(dy, ids, vocabSize);
    const features = dy.shape[dy.shape.length - 1] as number;
    const inside = this.values("embeddingBackward", ids);
    const g = this.values("embeddingBackward", dy).map((value, i) => {
      const id = inside[Math.floor(i / features)] as number;
      return id >= 0 && id < vocabSize ? value : 0;
    });
    using kept = this.result(dy.shape, g);
    return super.embeddingBackward(kept, ids, vocabSize);
  }
}

class HalfASlope extends ReferenceTrainingKernel {
  override siluBackward(dy: Tensor, x: Tensor) {
    const dx = super.siluBackward(dy, x);
    const [g, values] = [this.values("siluBackward", dy), this.values("siluBackward", x)];
    this.own("siluBackward", dx).elements.set(
      g.map((value, i) => value / (1 + Math.exp(-(values[i] as number)))),
    );
    return dx;
  }
}

export const backwardFaults: Fault[] = [
  wrongConv("ignores the activation", of({ activation: undefined })),
  wrongConv("ignores range", of({ range: undefined })),
  wrongConv(
    "ignores range, seen by the law of slices",
    of({ range: undefined }),
    /^laws: gradient of a conv of \[/,
  ),
  wrongConv("ignores initialState", of({ initialState: undefined })),
  wrongConv("takes the slope of silu without the bias", of({ bias: undefined })),
  wrongConv("ignores dFinalState", (B, L, D, W, dy, values) => right(B, L, D, W, dy, values)),
  wrongConv(
    "ignores dFinalState, seen by the law of pieces",
    (B, L, D, W, dy, values) => right(B, L, D, W, dy, values),
    /^laws: gradient of a conv of \d+ =/,
  ),
  wrongConv("the initial state gets nothing past a short sequence", (B, L, D, W, dy, values, dFinalState) => {
    const grads = right(B, L, D, W, dy, values, dFinalState);
    return L < W - 1 ? { ...grads, initialState: right(B, L, D, W, dy, values).initialState } : grads;
  }),
  wrongConv("the taps are turned round", (...args) => {
    const grads = right(...args);
    const W = args[3];
    const at = (i: number) => i - (i % W) + (W - 1 - (i % W));
    return { ...grads, weight: grads.weight.map((_, i) => grads.weight[at(i)] as number) };
  }),
  {
    name: "linear backward: the weight's gradient ignores the stride of a view",
    seenBy: /^linearBackwardWeight .* of views/,
    open: () => new IgnoresRowStride(),
  },
  {
    name: "linear backward: results only have half precision",
    seenBy: /^linearBackwardInput /,
    open: () => new RoundsToHalf(),
  },
  { name: "sumRows: skips the rows left over", seenBy: /^sumRows /, open: () => new SkipsTheLastRows() },
  {
    name: "rmsNorm backward: the scale is a constant",
    seenBy: /^rmsNormBackward /,
    open: () => new ForgetsTheMean(),
  },
  {
    name: "rmsNorm backward: eps outside of the root",
    seenBy: /^rmsNormBackward /,
    open: () => new EpsOutside(),
  },
  {
    name: "embedding backward: the last of equal ids wins",
    seenBy: /^embeddingBackward /,
    open: () => new OverwritesDuplicates(),
  },
  {
    name: "embedding backward: drops ids out of range",
    seenBy: /^embeddingBackward .*clamped/,
    open: () => new DropsIdsOutOfRange(),
  },
  { name: "silu backward: only the sigmoid", seenBy: /^siluBackward /, open: () => new HalfASlope() },
];
