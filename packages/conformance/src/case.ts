import {
  canTrain,
  type DType,
  type FloatDType,
  fromFloat32,
  type HostArray,
  type InferenceOps,
  type Kernel,
  type KernelOp,
  type Shape,
  type Tensor,
  toFloat32,
  type TrainingKernel,
  type TrainingOps,
} from "@mamba/kernel";
import { check } from "./assert.ts";
import type { Values } from "./reference/math.ts";

/** NMSE against float64 that an op on float32 must reach unless its case says otherwise. */
export const defaultTolerance = 1e-10;

/** One argument of a case. */
export interface CaseInput {
  readonly data: HostArray;
  readonly shape: Shape;
  readonly dtype: DType;
  /** Passed as a view: columns [before, before + last) of a tensor with `before + last + after`, NaN around it. */
  readonly window?: { readonly before: number; readonly after: number } | undefined;
  /** Updated in place by the op: its new content is compared under the same name. */
  readonly inPlace?: true | undefined;
}

/** What the reference says an output holds: `Int32Array` for i32, anything else for f32. */
export interface Expected {
  readonly shape: Shape;
  readonly data: Float64Array | Int32Array;
}

/** One op on one set of arguments. Inputs come from the case's name as seed and are the same each time. */
export interface OpCase {
  readonly op: KernelOp;
  /** True for the ops that only a `TrainingKernel` has: the case is skipped where `capabilities.training` is false. */
  readonly training: boolean;
  /** Starts with the op and is unique. */
  readonly name: string;
  /** The op's sizes by their letters in `args.ts` (B, L, D, N, W; rows, I, O, V, K). */
  readonly sizes: Readonly<Record<string, number>>;
  /** Largest NMSE. */
  readonly tolerance: number;
  /** Why the tolerance is not `defaultTolerance`. */
  readonly reason?: string | undefined;
  /** The case is skipped where `kernel.supports` denies one of these. */
  readonly requires: readonly { readonly op: KernelOp; readonly dtype: DType }[];
  inputs(): Readonly<Record<string, CaseInput | undefined>>;
  /**
   * What the op needs of another op: the residual of the forward for a backward. Made once for any number of runs,
   * outside of what is checked and timed, and freed by the caller.
   */
  prepare?(kernel: Kernel, tensors: Readonly<Record<string, Tensor | undefined>>): Disposable;
  /** Calls the op: the new tensors by name. `prepared` is what `prepare`, where there is one, gave. */
  run(
    kernel: Kernel,
    tensors: Readonly<Record<string, Tensor | undefined>>,
    prepared?: Disposable,
  ): Readonly<Record<string, Tensor>>;
  /** The outputs and in-place inputs by name, from inputs widened to float64 or int32. */
  reference(values: Readonly<Record<string, Values | undefined>>): Readonly<Record<string, Expected>>;
}

type Inputs = Readonly<Record<string, CaseInput | undefined>>;
type Mapped<I, T> = { readonly [K in keyof I]: undefined extends I[K] ? T | undefined : T };

/** What is written down of every case, with the names of its inputs typed. */
interface CaseParts<I extends Inputs> {
  /** Appended to the op's name. */
  label: string;
  sizes: Readonly<Record<string, number>>;
  tolerance?: { nmse: number; reason: string };
  requires?: OpCase["requires"];
  inputs: () => I;
  reference: (values: Mapped<I, Values>) => Readonly<Record<string, Expected>>;
}

/** A case of an op that every kernel has. */
export interface CaseDefinition<I extends Inputs> extends CaseParts<I> {
  op: keyof InferenceOps;
  run: (kernel: Kernel, tensors: Mapped<I, Tensor>) => Readonly<Record<string, Tensor>>;
}

export function defineCase<I extends Inputs>(definition: CaseDefinition<I>): OpCase {
  const { op, run } = definition;
  return {
    ...partsOf(op, definition),
    training: false,
    // The runner passes back exactly the names that `inputs` gave.
    run: (kernel, tensors) => run(kernel, tensors as Mapped<I, Tensor>),
  };
}

/** A case of an op of a training kernel. */
export interface TrainingCaseDefinition<
  I extends Inputs,
  P extends Disposable | undefined,
> extends CaseParts<I> {
  op: keyof TrainingOps;
  prepare?: (kernel: TrainingKernel, tensors: Mapped<I, Tensor>) => P & Disposable;
  run: (kernel: TrainingKernel, tensors: Mapped<I, Tensor>, prepared: P) => Readonly<Record<string, Tensor>>;
}

export function defineTrainingCase<I extends Inputs, P extends Disposable | undefined = undefined>(
  definition: TrainingCaseDefinition<I, P>,
): OpCase {
  const { op, prepare, run } = definition;
  return {
    ...partsOf(op, definition),
    training: true,
    ...(prepare && {
      prepare: (kernel, tensors) => prepare(trainingKernel(op, kernel), tensors as Mapped<I, Tensor>),
    }),
    // The runner passes back the inputs by their names, and what `prepare` gave.
    run: (kernel, tensors, prepared) =>
      run(trainingKernel(op, kernel), tensors as Mapped<I, Tensor>, prepared as P),
  };
}

function partsOf<I extends Inputs>(op: KernelOp, parts: CaseParts<I>) {
  const { label, sizes, tolerance, requires = [], inputs, reference } = parts;
  return {
    op,
    name: `${op} ${label}`,
    sizes,
    tolerance: tolerance?.nmse ?? defaultTolerance,
    reason: tolerance?.reason,
    requires,
    inputs,
    reference: (values: Readonly<Record<string, Values | undefined>>) =>
      reference(values as Mapped<I, Values>),
  };
}

/** The kernel with its training ops; cases ask `skipReason` before they come here. */
export function trainingKernel(op: string, kernel: Kernel): TrainingKernel {
  check(canTrain(kernel), `${op}: the kernel cannot train (capabilities.training is false)`);
  return kernel;
}

/** A float32 input, or one rounded to a 16-bit type: the reference then sees the rounded values. */
export function floats(data: Float32Array, shape: Shape, dtype: FloatDType = "f32"): CaseInput {
  return { data: fromFloat32(data, dtype), shape, dtype };
}

export function ints(data: readonly number[], shape: Shape): CaseInput {
  return { data: Int32Array.from(data), shape, dtype: "i32" };
}

/** The values of an input as the reference takes them. */
export function valuesOf(input: CaseInput): Values {
  return input.dtype === "i32" ? input.data : toFloat32(input.data, input.dtype);
}

/** Evaluates the reference on a case's own inputs. */
export function expectedOf(item: OpCase): Readonly<Record<string, Expected>> {
  const entries = Object.entries(item.inputs());
  return item.reference(Object.fromEntries(entries.map(([name, input]) => [name, input && valuesOf(input)])));
}

/** Why `kernel` cannot run the case, or `undefined`: read from `supports` and `capabilities` only. */
export function skipReason(item: OpCase, kernel: Kernel): string | undefined {
  if (item.training) {
    const reason = trainingSkipReason(kernel);
    if (reason !== undefined) return reason;
    if (!kernel.supports(item.op, "f32")) return `supports("${item.op}", "f32") is false`;
  }
  for (const { op, dtype } of item.requires) {
    if (!kernel.capabilities.storage.has(dtype)) return `capabilities.storage has no ${dtype}`;
    if (!kernel.supports(op, dtype)) return `supports("${op}", "${dtype}") is false`;
  }
  return undefined;
}

/** Why nothing of the training half can run, or `undefined`. */
export function trainingSkipReason(kernel: Kernel): string | undefined {
  return canTrain(kernel) ? undefined : "capabilities.training is false";
}
