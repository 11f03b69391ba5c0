import {
  type AdamWParams,
  type AdamWSlot,
  type Capabilities,
  checkAccumulate,
  checkAdamwStep,
  checkCausalConv1dBackward,
  checkCrossEntropy,
  checkEmbeddingBackward,
  checkLinearBackwardInput,
  checkLinearBackwardWeight,
  checkRmsNormBackward,
  checkSelectiveScanBackward,
  checkSelectiveScanForward,
  checkSiluBackward,
  checkSumOfSquares,
  checkSumRows,
  type ConvArgs,
  formatShape,
  type Grads,
  KernelError,
  type Residual,
  type ScanArgs,
  type Tensor,
  type TrainingKernel,
} from "@mamba/kernel";
import * as reference from "../src/reference/index.ts";
import { ReferenceKernel } from "./referenceKernel.ts";

/** The float64 loops of the backward scan forward again by themselves: what is kept is whose residual it is, and of what. */
class ReferenceResidual implements Residual {
  readonly kernel: ReferenceTrainingKernel;
  readonly shape: readonly number[];
  readonly #memory: Tensor;

  constructor(kernel: ReferenceTrainingKernel, shape: readonly number[], memory: Tensor) {
    this.kernel = kernel;
    this.shape = shape;
    this.#memory = memory;
  }

  get disposed(): boolean {
    return this.#memory.disposed;
  }

  dispose(): void {
    this.#memory.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** The reference kernel with the training ops, over the float64 loops too. */
export class ReferenceTrainingKernel extends ReferenceKernel implements TrainingKernel {
  override readonly capabilities: Capabilities = { ...new ReferenceKernel().capabilities, training: true };

  accumulate(target: Tensor, x: Tensor, factor = 1): void {
    const op = "accumulate";
    this.guard(op);
    checkAccumulate(target, x, factor);
    const after = reference.accumulate(this.values(op, target), this.values(op, x), factor);
    const { elements, rowStride, shape } = this.own(op, target);
    const width = shape[shape.length - 1] as number;
    after.forEach((value, i) => {
      elements[Math.floor(i / width) * rowStride + (i % width)] = value;
    });
  }

  siluBackward(dy: Tensor, x: Tensor): Tensor {
    const op = "siluBackward";
    this.guard(op);
    checkSiluBackward(dy, x);
    return this.result(x.shape, reference.siluBackward(this.values(op, dy), this.values(op, x)));
  }

  linearBackwardInput(dy: Tensor, weight: Tensor): Tensor {
    const op = "linearBackwardInput";
    this.guard(op);
    const { rows, inFeatures, outFeatures, shape } = checkLinearBackwardInput(dy, weight);
    const [g, w] = [this.values(op, dy), this.values(op, weight)];
    return this.result(shape, reference.linearBackwardInput(rows, inFeatures, outFeatures, g, w));
  }

  linearBackwardWeight(dy: Tensor, x: Tensor): Tensor {
    const op = "linearBackwardWeight";
    this.guard(op);
    const { rows, inFeatures, outFeatures } = checkLinearBackwardWeight(dy, x);
    const [g, values] = [this.values(op, dy), this.values(op, x)];
    const dWeight = reference.linearBackwardWeight(rows, inFeatures, outFeatures, g, values);
    return this.result([outFeatures, inFeatures], dWeight);
  }

  sumRows(dy: Tensor): Tensor {
    const op = "sumRows";
    this.guard(op);
    const { rows, features } = checkSumRows(dy);
    return this.result([features], reference.sumRows(rows, features, this.values(op, dy)));
  }

  rmsNormBackward(
    dy: Tensor,
    x: Tensor,
    weight: Tensor | undefined,
    eps: number,
  ): { dx: Tensor; dWeight?: Tensor } {
    const op = "rmsNormBackward";
    this.guard(op);
    const { rows, features } = checkRmsNormBackward(dy, x, weight, eps);
    const [g, values, w] = [this.values(op, dy), this.values(op, x), this.values(op, weight)];
    const { dx, dWeight } = reference.rmsNormBackward(rows, features, g, values, w, eps);
    const result = { dx: this.result(x.shape, dx) };
    return weight ? { ...result, dWeight: this.result([features], dWeight) } : result;
  }

  embeddingBackward(dy: Tensor, ids: Tensor, vocabSize: number): Tensor {
    const op = "embeddingBackward";
    this.guard(op);
    const { features } = checkEmbeddingBackward(dy, ids, vocabSize);
    const [g, i] = [this.values(op, dy), this.values(op, ids)];
    return this.result([vocabSize, features], reference.embeddingBackward(vocabSize, features, g, i));
  }

  causalConv1dBackward(dy: Tensor, args: ConvArgs, dFinalState?: Tensor): Grads<ConvArgs> {
    const op = "causalConv1dBackward";
    this.guard(op);
    const { batch, length, channels, width } = checkCausalConv1dBackward(dy, args, dFinalState);
    const [g, values, dFinal] = [
      this.values(op, dy),
      this.convValues(op, args),
      this.values(op, dFinalState),
    ];
    const grads = this.convGradients(batch, length, channels, width, g, values, dFinal);
    return this.gradients(args, { ...grads });
  }

  selectiveScanForward(args: ScanArgs): { y: Tensor; finalState: Tensor; residual: Residual } {
    const op = "selectiveScanForward";
    this.guard(op);
    const { batch, length, channels, stateSize } = checkSelectiveScanForward(args);
    const values = this.allScanValues(op, args);
    const { y, finalState } = reference.selectiveScan(batch, length, channels, stateSize, values);
    const shape = [batch, length, channels, stateSize];
    return {
      y: this.result(args.u.shape, y),
      finalState: this.result([batch, channels, stateSize], finalState),
      residual: new ReferenceResidual(this, shape, this.result([4], shape)),
    };
  }

  selectiveScanBackward(
    dy: Tensor,
    args: ScanArgs,
    residual: Residual,
    dFinalState?: Tensor,
  ): Grads<ScanArgs> {
    const op = "selectiveScanBackward";
    this.guard(op);
    const { batch, length, channels, stateSize } = checkSelectiveScanBackward(dy, args, dFinalState);
    this.#checkResidual(op, residual, [batch, length, channels, stateSize]);
    const [g, dFinal] = [this.values(op, dy), this.values(op, dFinalState)];
    const values = this.allScanValues(op, args);
    const grads = this.scanGradients(batch, length, channels, stateSize, g, values, dFinal);
    return this.gradients(args, grads);
  }

  #checkResidual(op: string, residual: Residual, shape: readonly number[]): void {
    if (residual.disposed) throw new KernelError("DISPOSED", `${op}: the residual was disposed`);
    if (!(residual instanceof ReferenceResidual && residual.kernel === this)) {
      throw new KernelError("FOREIGN_TENSOR", `${op}: the residual belongs to another kernel`);
    }
    if (residual.shape.some((extent, i) => extent !== shape[i])) {
      const found = `${formatShape(residual.shape)} for ${formatShape(shape)}`;
      throw new KernelError("SHAPE", `${op}: the residual must be of this scan, got one of ${found}`);
    }
  }

  protected allScanValues(op: string, args: ScanArgs) {
    return {
      ...this.scanValues(op, args),
      initialState: this.values(op, args.initialState),
      range: this.values(op, args.range),
    };
  }

  // The numbers alone, for planted faults to change.
  protected convGradients = reference.causalConv1dBackward;
  protected scanGradients = reference.selectiveScanBackward;

  /** Gradients of the tensors that were given, in their shapes. */
  protected gradients<T extends object>(args: T, all: Readonly<Record<string, Float64Array>>): Grads<T> {
    const given = Object.entries(args).flatMap(([name, tensor]: [string, Tensor | undefined]) => {
      const gradient = all[name];
      return tensor && gradient ? [[name, this.result(tensor.shape, gradient)]] : [];
    });
    return Object.fromEntries(given) as Grads<T>;
  }

  crossEntropy(logits: Tensor, targets: Tensor, ignoreIndex = -100): { loss: Tensor } {
    return { loss: this.#crossEntropy("crossEntropy", logits, targets, ignoreIndex).loss() };
  }

  crossEntropyWithGradient(
    logits: Tensor,
    targets: Tensor,
    ignoreIndex = -100,
  ): { loss: Tensor; dLogits: Tensor } {
    const results = this.#crossEntropy("crossEntropyWithGradient", logits, targets, ignoreIndex);
    return { loss: results.loss(), dLogits: results.dLogits() };
  }

  #crossEntropy(op: string, logits: Tensor, targets: Tensor, ignoreIndex: number) {
    this.guard(op);
    const { rows, vocabSize } = checkCrossEntropy(op, logits, targets, ignoreIndex);
    const [values, t] = [this.values(op, logits), this.values(op, targets)];
    const { loss, dLogits } = reference.crossEntropyWithGradient(rows, vocabSize, values, t, ignoreIndex);
    return { loss: () => this.result([1], loss), dLogits: () => this.result(logits.shape, dLogits) };
  }

  sumOfSquares(tensors: readonly Tensor[]): Tensor {
    const op = "sumOfSquares";
    this.guard(op);
    checkSumOfSquares(tensors);
    return this.result([1], reference.sumOfSquares(tensors.map((tensor) => this.values(op, tensor))));
  }

  adamwStep(slots: readonly AdamWSlot[], hyper: AdamWParams, gradScale?: Tensor): void {
    const op = "adamwStep";
    this.guard(op);
    checkAdamwStep(slots, hyper, gradScale);
    const scale = this.values(op, gradScale)?.[0];
    const values = slots.map(({ param, grad, m, v }) => ({
      param: this.values(op, param),
      grad: this.values(op, grad),
      m: this.values(op, m),
      v: this.values(op, v),
    }));
    values.forEach(({ param, grad, m, v }, i) => {
      const after = reference.adamwStep(param, grad, m, v, hyper, scale);
      for (const name of ["param", "m", "v"] as const) {
        this.own(op, (slots[i] as AdamWSlot)[name]).elements.set(after[name]);
      }
    });
  }
}
