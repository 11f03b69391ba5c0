import type { AdamWParams, AdamWSlot, Tensor } from "@mamba/kernel";
import { ReferenceTrainingKernel } from "../trainingKernel.ts";
import type { Fault } from "./fault.ts";

class Accumulates extends ReferenceTrainingKernel {
  readonly #how: (kernel: Accumulates, target: Tensor, x: Tensor, factor?: number) => void;
  constructor(how: (kernel: Accumulates, target: Tensor, x: Tensor, factor?: number) => void) {
    super();
    this.#how = how;
  }
  override accumulate(target: Tensor, x: Tensor, factor?: number): void {
    this.#how(this, target, x, factor);
  }
  right(target: Tensor, x: Tensor, factor?: number): void {
    super.accumulate(target, x, factor);
  }
  overwrite(target: Tensor, x: Tensor, factor = 1): void {
    const before = this.values("accumulate", target);
    super.accumulate(target, x, factor);
    using held = this.result(target.shape, before);
    super.accumulate(target, held, -1);
  }
  /** To the next multiple of four, as a vector store without a tail does. */
  overrun(target: Tensor, x: Tensor, factor?: number): void {
    super.accumulate(target, x, factor);
    const width = target.shape[target.shape.length - 1] as number;
    this.own("accumulate", target).elements.fill(0, width, Math.ceil(width / 4) * 4);
  }
}

const accumulates = (
  name: string,
  how: (kernel: Accumulates, target: Tensor, x: Tensor, factor?: number) => void,
  seenBy = /^accumulate /,
): Fault => ({ name: `accumulate: ${name}`, seenBy, open: () => new Accumulates(how) });

/** Changes what the loss is asked, or what it says. */
class Loss extends ReferenceTrainingKernel {
  readonly #ignore: (ignoreIndex: number | undefined) => number | undefined;
  readonly #change: (data: LossData) => void;
  constructor(
    change: (data: LossData) => void,
    ignore: (ignoreIndex: number | undefined) => number | undefined = (index) => index,
  ) {
    super();
    this.#change = change;
    this.#ignore = ignore;
  }
  override crossEntropyWithGradient(logits: Tensor, targets: Tensor, ignoreIndex?: number) {
    const op = "crossEntropyWithGradient";
    const results = super.crossEntropyWithGradient(logits, targets, this.#ignore(ignoreIndex));
    const [rows = 0, width = 0] = logits.shape;
    const loss = this.own(op, results.loss).elements as Float32Array;
    const gradient = (this.own(op, results.dLogits).elements as Float32Array).subarray(0, rows * width);
    const [values, ids] = [this.values(op, logits), this.values(op, targets)];
    this.#change({
      rows,
      width,
      loss,
      gradient,
      logits: values,
      targets: ids,
      ignoreIndex: ignoreIndex ?? -100,
    });
    return results;
  }
}

interface LossData {
  rows: number;
  width: number;
  /** Written in place. */
  loss: Float32Array;
  /** Written in place. */
  gradient: Float32Array;
  logits: ArrayLike<number>;
  targets: ArrayLike<number>;
  ignoreIndex: number;
}

/** Rows that count. */
function counted({ rows, targets, ignoreIndex }: LossData): number {
  return Array.from({ length: rows }, (_, r) => targets[r]).filter((target) => target !== ignoreIndex).length;
}

const loss = (
  name: string,
  change: (data: LossData) => void,
  ignore?: (ignoreIndex: number | undefined) => number | undefined,
): Fault => ({
  name: `cross-entropy: ${name}`,
  seenBy: /^crossEntropyWithGradient /,
  open: () => new Loss(change, ignore),
});

class Adam extends ReferenceTrainingKernel {
  readonly #change: (hyper: AdamWParams) => AdamWParams;
  constructor(change: (hyper: AdamWParams) => AdamWParams) {
    super();
    this.#change = change;
  }
  override adamwStep(slots: readonly AdamWSlot[], hyper: AdamWParams, gradScale?: Tensor): void {
    super.adamwStep(slots, this.#change(hyper), gradScale);
  }
}

const adam = (name: string, change: (hyper: AdamWParams) => AdamWParams): Fault => ({
  name: `adamw: ${name}`,
  seenBy: /^adamwStep /,
  open: () => new Adam(change),
});

class IgnoresGradScale extends ReferenceTrainingKernel {
  override adamwStep(slots: readonly AdamWSlot[], hyper: AdamWParams): void {
    super.adamwStep(slots, hyper);
  }
}

class FirstSlotOnly extends ReferenceTrainingKernel {
  override adamwStep(slots: readonly AdamWSlot[], hyper: AdamWParams, gradScale?: Tensor): void {
    super.adamwStep(slots.slice(0, 1), hyper, gradScale);
  }
}

/** Decay as Adam with L2 has it: part of the gradient, and so of the moments. */
class DecayInTheGradient extends ReferenceTrainingKernel {
  override adamwStep(slots: readonly AdamWSlot[], hyper: AdamWParams, gradScale?: Tensor): void {
    const changed = slots.map((slot) => {
      const [grad, param] = [this.values("adamwStep", slot.grad), this.values("adamwStep", slot.param)];
      const decayed = grad.map((g, i) => g + hyper.weightDecay * (param[i] as number));
      return { ...slot, grad: this.result(slot.grad.shape, decayed) };
    });
    super.adamwStep(changed, { ...hyper, weightDecay: 0 }, gradScale);
    for (const { grad } of changed) grad.dispose();
  }
}

class ScalesTheGradient extends ReferenceTrainingKernel {
  override adamwStep(slots: readonly AdamWSlot[], hyper: AdamWParams, gradScale?: Tensor): void {
    super.adamwStep(slots, hyper, gradScale);
    const factor = this.values("adamwStep", gradScale)?.[0] ?? 1;
    for (const { grad } of slots) {
      const own = this.own("adamwStep", grad);
      own.elements.set(this.values("adamwStep", grad).map((g) => g * factor));
    }
  }
}

/** 1 - beta2 in float32 has only four good digits left. */
class FloatBeta extends ReferenceTrainingKernel {
  override adamwStep(slots: readonly AdamWSlot[], hyper: AdamWParams, gradScale?: Tensor): void {
    super.adamwStep(slots, { ...hyper, beta2: 1 - Math.fround(1 - Math.fround(hyper.beta2)) }, gradScale);
  }
}

class FirstTensorOnly extends ReferenceTrainingKernel {
  override sumOfSquares(tensors: readonly Tensor[]) {
    return super.sumOfSquares(tensors.slice(0, 1));
  }
}

class TakesTheRoot extends ReferenceTrainingKernel {
  override sumOfSquares(tensors: readonly Tensor[]) {
    const sum = super.sumOfSquares(tensors);
    const { elements } = this.own("sumOfSquares", sum);
    elements[0] = Math.sqrt(elements[0] as number);
    return sum;
  }
}

export const optimizerFaults: Fault[] = [
  accumulates("ignores the factor", (kernel, target, x) => {
    kernel.right(target, x);
  }),
  accumulates("overwrites the target", (kernel, target, x, factor) => {
    kernel.overwrite(target, x, factor);
  }),
  accumulates(
    "writes around a view",
    (kernel, target, x, factor) => {
      kernel.overrun(target, x, factor);
    },
    /^accumulate .* into a view/,
  ),
  loss(
    "ignoreIndex is always -100",
    () => undefined,
    () => undefined,
  ),
  loss("ignored targets count in the mean", (data) => {
    const factor = counted(data) / data.rows;
    data.loss[0] = (data.loss[0] as number) * factor;
    data.gradient.forEach((g, i) => (data.gradient[i] = g * factor));
  }),
  loss("the sum in place of the mean", (data) => {
    const count = counted(data);
    data.loss[0] = (data.loss[0] as number) * count;
    data.gradient.forEach((g, i) => (data.gradient[i] = g * count));
  }),
  loss("ignored rows are multiplied by zero", ({ gradient, logits }) => {
    gradient.forEach((g, i) => (gradient[i] = g + 0 * (logits[i] as number)));
  }),
  loss("nothing counted is NaN", (data) => {
    if (counted(data) === 0) data.loss[0] = 0 / 0;
  }),
  loss("exp of large logits overflows", ({ loss, logits }) => {
    if (Array.from(logits).some((logit) => logit > 88 && logit < Infinity)) loss[0] = Infinity;
  }),
  loss("the largest logit is added back before the target is taken off", ({ loss, logits }) => {
    if (Array.from(logits).some((logit) => logit > 1e8 && logit < Infinity)) loss[0] = 0;
  }),
  loss("a target outside of the vocabulary has a plausible gradient", ({ gradient, width, targets }) => {
    gradient.forEach((_, i) => {
      if ((targets[Math.floor(i / width)] as number) >= width) gradient[i] = 0;
    });
  }),
  loss("the target is not taken off the gradient", (data) => {
    const { gradient, width, targets, ignoreIndex } = data;
    const count = counted(data);
    for (let r = 0; r < data.rows; r++) {
      const target = targets[r] as number;
      if (target === ignoreIndex || target < 0 || target >= width) continue;
      gradient[r * width + target] = (gradient[r * width + target] as number) + 1 / count;
    }
  }),
  adam("without bias correction", (hyper) => ({ ...hyper, step: Number.MAX_SAFE_INTEGER })),
  adam("a step late", (hyper) => ({ ...hyper, step: hyper.step + 1 })),
  adam("decays what should not decay", (hyper) => ({ ...hyper, weightDecay: hyper.weightDecay || 0.01 })),
  adam("never decays", (hyper) => ({ ...hyper, weightDecay: 0 })),
  adam("eps is always 1e-8", (hyper) => ({ ...hyper, eps: 1e-8 })),
  adam("the betas change places", (hyper) => ({ ...hyper, beta1: hyper.beta2, beta2: hyper.beta1 })),
  { name: "adamw: ignores gradScale", seenBy: /^adamwStep /, open: () => new IgnoresGradScale() },
  { name: "adamw: only the first parameter", seenBy: /^adamwStep /, open: () => new FirstSlotOnly() },
  {
    name: "adamw: decay goes through the moments",
    seenBy: /^adamwStep /,
    open: () => new DecayInTheGradient(),
  },
  { name: "adamw: changes the gradient", seenBy: /^adamwStep /, open: () => new ScalesTheGradient() },
  { name: "adamw: 1 - beta2 in float32", seenBy: /^adamwStep /, open: () => new FloatBeta() },
  {
    name: "sumOfSquares: only the first tensor",
    seenBy: /^sumOfSquares /,
    open: () => new FirstTensorOnly(),
  },
  { name: "sumOfSquares: takes the root", seenBy: /^sumOfSquares /, open: () => new TakesTheRoot() },
];
