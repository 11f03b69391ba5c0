import type {
  AdamWParams,
  AdamWSlot,
  Capabilities,
  ConvArgs,
  Grads,
  Residual,
  ScanArgs,
  Shape,
  Tensor,
  TrainingKernel,
} from "@mamba/kernel";
import * as reference from "../src/reference/index.ts";
import { ReferenceKernel } from "./referenceKernel.ts";

/** The reference kernel with the training ops, over the float64 loops too. */
export class ReferenceTrainingKernel extends ReferenceKernel implements TrainingKernel {
  override readonly capabilities: Capabilities = { ...new ReferenceKernel().capabilities, training: true };

  accumulate(target: Tensor, x: Tensor, factor?: number): void {
    const op = "accumulate";
    this.guard(op);
    const after = reference.accumulate(this.values(op, target), this.values(op, x), factor);
    const { elements, rowStride, shape } = this.own(op, target);
    const width = last({ shape });
    after.forEach((value, i) => {
      elements[Math.floor(i / width) * rowStride + (i % width)] = value;
    });
  }

  siluBackward(dy: Tensor, x: Tensor): Tensor {
    const op = "siluBackward";
    this.guard(op);
    return this.result(x.shape, reference.siluBackward(this.values(op, dy), this.values(op, x)));
  }

  linearBackwardInput(dy: Tensor, weight: Tensor): Tensor {
    const op = "linearBackwardInput";
    this.guard(op);
    const [O, I] = weight.shape as [number, number];
    const [values, w] = [this.values(op, dy), this.values(op, weight)];
    const shape = [...dy.shape.slice(0, -1), I];
    return this.result(shape, reference.linearBackwardInput(values.length / O, I, O, values, w));
  }

  linearBackwardWeight(dy: Tensor, x: Tensor): Tensor {
    const op = "linearBackwardWeight";
    this.guard(op);
    const [O, I] = [last(dy), last(x)];
    const values = this.values(op, dy);
    const dWeight = reference.linearBackwardWeight(values.length / O, I, O, values, this.values(op, x));
    return this.result([O, I], dWeight);
  }

  sumRows(dy: Tensor): Tensor {
    const op = "sumRows";
    this.guard(op);
    const values = this.values(op, dy);
    return this.result([last(dy)], reference.sumRows(values.length / last(dy), last(dy), values));
  }

  rmsNormBackward(
    dy: Tensor,
    x: Tensor,
    weight: Tensor | undefined,
    eps: number,
  ): { dx: Tensor; dWeight?: Tensor } {
    const op = "rmsNormBackward";
    this.guard(op);
    const [g, values, w] = [this.values(op, dy), this.values(op, x), this.values(op, weight)];
    const D = last(x);
    const { dx, dWeight } = reference.rmsNormBackward(values.length / D, D, g, values, w, eps);
    const result = { dx: this.result(x.shape, dx) };
    return weight ? { ...result, dWeight: this.result([D], dWeight) } : result;
  }

  embeddingBackward(dy: Tensor, ids: Tensor, vocabSize: number): Tensor {
    const op = "embeddingBackward";
    this.guard(op);
    const [g, i] = [this.values(op, dy), this.values(op, ids)];
    return this.result([vocabSize, last(dy)], reference.embeddingBackward(vocabSize, last(dy), g, i));
  }

  causalConv1dBackward(dy: Tensor, args: ConvArgs, dFinalState?: Tensor): Grads<ConvArgs> {
    const op = "causalConv1dBackward";
    this.guard(op);
    const [B, L, D] = args.x.shape as [number, number, number];
    const W = last(args.weight);
    const g = this.values(op, dy);
    const values = this.convValues(op, args);
    const grads = reference.causalConv1dBackward(B, L, D, W, g, values, this.values(op, dFinalState));
    return this.#gradients(args, { ...grads });
  }

  selectiveScanForward(args: ScanArgs): { y: Tensor; finalState: Tensor; residual: Residual } {
    const op = "selectiveScanForward";
    this.guard(op);
    const { y, finalState } = this.selectiveScan(args, { finalState: true });
    return { y, finalState, residual: this.zeros([1], "f32") };
  }

  selectiveScanBackward(
    dy: Tensor,
    args: ScanArgs,
    _residual: Residual,
    dFinalState?: Tensor,
  ): Grads<ScanArgs> {
    const op = "selectiveScanBackward";
    this.guard(op);
    const [B, L, D] = args.u.shape as [number, number, number];
    const values = {
      ...this.scanValues(op, args),
      initialState: this.values(op, args.initialState),
      range: this.values(op, args.range),
    };
    const [g, dFinal] = [this.values(op, dy), this.values(op, dFinalState)];
    const grads = reference.selectiveScanBackward(B, L, D, last(args.A), g, values, dFinal);
    return this.#gradients(args, grads);
  }

  /** Gradients of the tensors that were given, in their shapes. */
  #gradients<T extends object>(args: T, all: Readonly<Record<string, Float64Array>>): Grads<T> {
    const given = Object.entries(args).flatMap(([name, tensor]: [string, Tensor | undefined]) => {
      const gradient = all[name];
      return tensor && gradient ? [[name, this.result(tensor.shape, gradient)]] : [];
    });
    return Object.fromEntries(given) as Grads<T>;
  }

  crossEntropy(logits: Tensor, targets: Tensor, ignoreIndex?: number): { loss: Tensor } {
    const { loss, dLogits } = this.#crossEntropy("crossEntropy", logits, targets, ignoreIndex);
    dLogits.dispose();
    return { loss };
  }

  crossEntropyWithGradient(
    logits: Tensor,
    targets: Tensor,
    ignoreIndex?: number,
  ): { loss: Tensor; dLogits: Tensor } {
    return this.#crossEntropy("crossEntropyWithGradient", logits, targets, ignoreIndex);
  }

  #crossEntropy(op: string, logits: Tensor, targets: Tensor, ignoreIndex: number | undefined) {
    this.guard(op);
    const [M, V] = logits.shape as [number, number];
    const [values, t] = [this.values(op, logits), this.values(op, targets)];
    const { loss, dLogits } = reference.crossEntropyWithGradient(M, V, values, t, ignoreIndex);
    return { loss: this.result([1], loss), dLogits: this.result(logits.shape, dLogits) };
  }

  sumOfSquares(tensors: readonly Tensor[]): Tensor {
    const op = "sumOfSquares";
    this.guard(op);
    return this.result([1], reference.sumOfSquares(tensors.map((tensor) => this.values(op, tensor))));
  }

  adamwStep(slots: readonly AdamWSlot[], hyper: AdamWParams, gradScale?: Tensor): void {
    const op = "adamwStep";
    this.guard(op);
    const scale = this.values(op, gradScale)?.[0];
    for (const { param, grad, m, v } of slots) {
      const [p, g, mean, square] = [param, grad, m, v].map((tensor) => this.values(op, tensor));
      if (!p || !g || !mean || !square) throw new Error("four tensors are four arrays");
      const after = reference.adamwStep(p, g, mean, square, hyper, scale);
      this.own(op, param).elements.set(after.param);
      this.own(op, m).elements.set(after.m);
      this.own(op, v).elements.set(after.v);
    }
  }
}

function last({ shape }: { shape: Shape }): number {
  return shape[shape.length - 1] as number;
}
