import {
  canTrain,
  type DType,
  type FloatDType,
  fromFloat32,
  type HostArray,
  type InferenceOps,
  isQuantized,
  type Kernel,
  type KernelOp,
  type Shape,
  type Tensor,
  toFloat32,
  type TrainingKernel,
  type TrainingOps,
} from "@mamba/kernel";
import { dequantize } from "@mamba/kernel/quantize";
import { check } from "./assert.ts";
import type { Values } from "./math.ts";

/** NMSE against float64 that an op on float32 must reach unless its case says otherwise. */
export const defaultTolerance = 1e-10;

/**
 * NMSE that `linear` with quantised weights must reach on a kernel that rounds activations to int8: rows of normal numbers
 * rounded to multiples of max|x| / 127 have 7e-5, and scales of less precision may double it. The errors of few results do not
 * average out: in the cases with one result, that rounding has up to 3.2e-4.
 */
export function roundedTolerance(results: number): number {
  return results < 16 ? 4e-4 : 2e-4;
}

/** One argument of a case. */
export interface CaseInput {
  readonly data: HostArray;
  readonly shape: Shape;
  readonly dtype: DType;
  /** Passed as columns [before, before + last) of a tensor with `before + last + after` columns, NaN around them. */
  readonly view?: { readonly before: number; readonly after: number } | undefined;
  /** Updated in place by the op: the new content is compared under the same name. */
  readonly inPlace?: true | undefined;
}

/** Shape and values that the reference gives for one output: `Int32Array` for i32, `Float64Array` for f32. */
export interface Expected {
  readonly shape: Shape;
  readonly data: Float64Array | Int32Array;
}

/** The work of one run, computed from the sizes of its case. */
export interface Cost {
  /**
   * Floating-point operations: a multiply-add counts as two; exp, log, division and square root as one each. Padded
   * positions count like real ones.
   */
  readonly flops: number;
  /**
   * Bytes to and from memory when each tensor is moved once: arguments are read, results written, tensors updated in place
   * both. Only the used rows of an embedding table count, and residuals do not count.
   */
  readonly bytes: number;
}

/** One op on one set of arguments. The name of the case seeds its inputs, so they are the same each time. */
export interface OpCase {
  readonly op: KernelOp;
  /** True for the ops that only a `TrainingKernel` has: the case is skipped where `capabilities.training` is false. */
  readonly training: boolean;
  /** Starts with the op and is unique. */
  readonly name: string;
  /** The op's sizes by the letters of its documentation in `@mamba/kernel` (B, L, D, N, W; rows, I, O, V, K). */
  readonly sizes: Readonly<Record<string, number>>;
  readonly cost: Cost;
  /** Largest NMSE. */
  readonly tolerance: number;
  /** Largest NMSE on a kernel whose `capabilities.activations` is "int8". Default: `tolerance`. */
  readonly roundedTolerance?: number | undefined;
  /** The reason for a tolerance other than `defaultTolerance`. */
  readonly reason?: string | undefined;
  /** The case is skipped where `kernel.supports` denies one of these. */
  readonly requires: readonly { readonly op: KernelOp; readonly dtype: DType }[];
  /** Draws the inputs: nothing is kept between calls, so that a large case takes no memory until it runs. */
  inputs(): Readonly<Record<string, CaseInput | undefined>>;
  /**
   * Makes the arguments that come from another op, such as the residual of the forward for a backward. Called once for any
   * number of runs, outside of what is checked and timed. The caller disposes the result.
   */
  prepare?(kernel: Kernel, tensors: Readonly<Record<string, Tensor | undefined>>): Disposable;
  /**
   * Calls the op and returns its new tensors by name. `prepared` is the result of `prepare`. A law may pass some of the rows of
   * the tensors; `firstRow` is then the first of them. Default 0.
   */
  run(
    kernel: Kernel,
    tensors: Readonly<Record<string, Tensor | undefined>>,
    prepared?: Disposable,
    firstRow?: number,
  ): Readonly<Record<string, Tensor>>;
  /** Returns the outputs and in-place inputs by name, from inputs widened to float64 or int32. */
  reference(values: Readonly<Record<string, Values | undefined>>): Readonly<Record<string, Expected>>;
}

type Inputs = Readonly<Record<string, CaseInput | undefined>>;
type Mapped<I, T> = { readonly [K in keyof I]: undefined extends I[K] ? T | undefined : T };

/** The parts of every case, with the names of its inputs typed. */
interface CaseParts<I extends Inputs> {
  /** Appended to the op's name. */
  label: string;
  sizes: Readonly<Record<string, number>>;
  cost: Cost;
  tolerance?: { nmse: number; reason: string };
  roundedTolerance?: number | undefined;
  requires?: OpCase["requires"];
  inputs: () => I;
  reference: (values: Mapped<I, Values>) => Readonly<Record<string, Expected>>;
}

/** A case of an op that every kernel has. */
export interface CaseDefinition<I extends Inputs> extends CaseParts<I> {
  op: keyof InferenceOps;
  run: (kernel: Kernel, tensors: Mapped<I, Tensor>, firstRow: number) => Readonly<Record<string, Tensor>>;
}

export function defineCase<I extends Inputs>(definition: CaseDefinition<I>): OpCase {
  const { op, run } = definition;
  return {
    ...partsOf(op, definition),
    training: false,
    // The runner passes exactly the names that `inputs` returned.
    run: (kernel, tensors, _prepared, firstRow = 0) => run(kernel, tensors as Mapped<I, Tensor>, firstRow),
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
    // The runner passes the inputs by their names, and the result of `prepare`.
    run: (kernel, tensors, prepared) =>
      run(trainingKernel(op, kernel), tensors as Mapped<I, Tensor>, prepared as P),
  };
}

function partsOf<I extends Inputs>(op: KernelOp, parts: CaseParts<I>) {
  const { label, sizes, cost, tolerance, roundedTolerance, requires = [], inputs, reference } = parts;
  return {
    op,
    name: `${op} ${label}`,
    sizes,
    cost,
    tolerance: tolerance?.nmse ?? defaultTolerance,
    roundedTolerance,
    reason: tolerance?.reason,
    requires,
    inputs,
    reference: (values: Readonly<Record<string, Values | undefined>>) =>
      reference(values as Mapped<I, Values>),
  };
}

/** Returns the kernel with its training ops. Callers ask `skipReason` first. */
export function trainingKernel(op: string, kernel: Kernel): TrainingKernel {
  check(canTrain(kernel), `${op}: the kernel cannot train (capabilities.training is false)`);
  return kernel;
}

/** A float32 input, or one rounded to a 16-bit type: the reference then sees the rounded values. */
export function floats(data: Float32Array, shape: Shape, dtype: FloatDType = "f32"): CaseInput {
  return { data: fromFloat32(data, dtype), shape, dtype };
}

export function ints(data: ArrayLike<number>, shape: Shape): CaseInput {
  return { data: Int32Array.from(data), shape, dtype: "i32" };
}

/** Returns the values of an input as the reference takes them. */
export function valuesOf(input: CaseInput): Values {
  const { data, dtype } = input;
  if (isQuantized(dtype)) return dequantize(data as Uint8Array, dtype);
  return dtype === "i32" ? data : toFloat32(data, dtype);
}

/** The largest NMSE of a case on a kernel. */
export function toleranceOf(item: OpCase, { capabilities }: Kernel): number {
  return capabilities.activations === "int8" ? (item.roundedTolerance ?? item.tolerance) : item.tolerance;
}

/** Evaluates the reference on a case's own inputs. */
export function expectedOf(item: OpCase): Readonly<Record<string, Expected>> {
  const entries = Object.entries(item.inputs());
  return item.reference(Object.fromEntries(entries.map(([name, input]) => [name, input && valuesOf(input)])));
}

/** Returns why `kernel` cannot run the case, or `undefined`. Reads `supports` and `capabilities` only. */
export function skipReason(item: OpCase, kernel: Kernel): string | undefined {
  if (item.training) {
    const reason = trainingSkipReason(kernel);
    if (reason !== undefined) return reason;
    if (!kernel.supports(item.op, "f32")) return `supports("${item.op}", "f32") is false`;
  }
  for (const { op, dtype } of item.requires) {
    const reason = storageSkipReason(dtype, kernel);
    if (reason !== undefined) return reason;
    if (!kernel.supports(op, dtype)) return `supports("${op}", "${dtype}") is false`;
  }
  return undefined;
}

/** Returns why no tensor of a storage type can be made, or `undefined`. */
export function storageSkipReason(dtype: DType, { capabilities }: Kernel): string | undefined {
  return capabilities.storage.has(dtype) ? undefined : `capabilities.storage has no ${dtype}`;
}

/** Returns why no training op can run, or `undefined`. */
export function trainingSkipReason(kernel: Kernel): string | undefined {
  return canTrain(kernel) ? undefined : "capabilities.training is false";
}
