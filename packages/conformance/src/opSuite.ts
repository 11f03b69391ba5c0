import {
  canTrain,
  type DType,
  type InferenceOps,
  type Kernel,
  type KernelOp,
  type Scope,
  type Shape,
  type Tensor,
  type TrainingKernel,
  type TrainingOps,
} from "@mamba/kernel";
import { type OpCase, trainingKernel } from "./case.ts";

/** Shape and dtype of one tensor argument. */
export interface ArgumentShape {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** A small valid call of an op: the contract tests make one argument invalid at a time. */
export interface MinimalCall {
  readonly args: Readonly<Record<string, ArgumentShape>>;
  /** Arguments that must be dense. */
  readonly dense: readonly string[];
  /** Arguments that take any number of leading axes. */
  readonly anyAxes: readonly string[];
  /** Arguments whose last axis may have any extent, although the op has other tensor arguments. */
  readonly anyWidth: readonly string[];
  /** Arguments that the op updates in place. */
  readonly writes: readonly string[];
  /** Makes the arguments that come from another op. */
  readonly prepare?: (kernel: Kernel) => Disposable;
  /** Calls the op and returns its new tensors. */
  readonly call: (
    kernel: Kernel,
    tensors: Readonly<Record<string, Tensor>>,
    prepared?: Disposable,
  ) => readonly Tensor[];
}

/** The arguments and results with one row per sequence of the batch: their first axis. */
export interface Batched {
  /** The float arguments, also those updated in place. */
  readonly arguments: readonly string[];
  /** The i32 arguments. */
  readonly integers?: readonly string[];
  /** Default: all results. */
  readonly results?: readonly string[];
}

/** The rows of an op of inference. */
export interface Rows extends Batched {
  /** Cases of `manyRows` rows. A row of their results must have the same bits with fewer rows. */
  readonly many: readonly OpCase[];
}

/** The largest number of rows that the laws of equal bits use: more than any tile of few rows, and odd. */
export const manyRows = 33;

/** A call with one scalar out of range, which must throw `ARGUMENT`. */
export type OutOfRange = readonly [what: string, call: () => unknown];

/** Everything that the suite knows about one op. */
export interface OpSuite {
  readonly op: KernelOp;
  /** True for the ops that only a `TrainingKernel` has. */
  readonly training: boolean;
  readonly cases: readonly OpCase[];
  /** Cases of the sizes of a real model, for a benchmark. They are not run as tests. */
  readonly benchmarks: readonly OpCase[];
  readonly minimal: MinimalCall;
  /** Present when the op computes each row of the batch independently of the others. */
  readonly batched?: Batched;
  /** Cases of many rows; absent for the ops of training. */
  readonly many?: readonly OpCase[];
  /** Calls with scalars out of range; `scope` owns their tensors. */
  readonly outOfRange?: (kernel: Kernel, scope: Scope) => readonly OutOfRange[];
}

/** An op with its float64 reference: plain loops over dense arrays. */
export type WithReference<R> = OpSuite & { readonly reference: R };

interface MinimalParts<A extends string, K extends Kernel> {
  args: Readonly<Record<A, ArgumentShape>>;
  dense?: readonly NoInfer<A>[];
  anyAxes?: readonly NoInfer<A>[];
  anyWidth?: readonly NoInfer<A>[];
  writes?: readonly NoInfer<A>[];
  prepare?: (kernel: K) => Disposable;
  call: (
    kernel: K,
    tensors: Readonly<Record<NoInfer<A>, Tensor>>,
    prepared?: Disposable,
  ) => readonly Tensor[];
}

interface Parts<R, A extends string, K extends Kernel> {
  reference: R;
  cases: readonly OpCase[];
  benchmarks?: readonly OpCase[];
  minimal: MinimalParts<A, K>;
  outOfRange?: (kernel: K, scope: Scope) => readonly OutOfRange[];
}

/** The suite of an op that every kernel has. */
export function defineOp<R, A extends string>(
  op: keyof InferenceOps,
  parts: Parts<R, A, Kernel> & { rows: Rows },
): WithReference<R> {
  const { rows, ...rest } = parts;
  return { ...assemble(op, false, { ...rest, batched: rows }, (kernel) => kernel), many: rows.many };
}

/** The suite of an op of training kernels. */
export function defineTrainingOp<R, A extends string>(
  op: keyof TrainingOps,
  parts: Parts<R, A, TrainingKernel> & { batched?: Batched },
): WithReference<R> {
  return assemble(op, true, parts, (kernel) => trainingKernel(op, kernel));
}

function assemble<R, A extends string, K extends Kernel>(
  op: KernelOp,
  training: boolean,
  parts: Parts<R, A, K> & { batched?: Batched },
  narrow: (kernel: Kernel) => K,
): WithReference<R> {
  const { reference, cases, benchmarks = [], minimal, batched, outOfRange } = parts;
  const { args, dense = [], anyAxes = [], anyWidth = [], writes = [], prepare, call } = minimal;
  return {
    op,
    training,
    reference,
    cases,
    benchmarks,
    minimal: {
      ...{ args, dense, anyAxes, anyWidth, writes },
      ...(prepare && { prepare: (kernel) => prepare(narrow(kernel)) }),
      // The callers pass a tensor for each name in `args`.
      call: (kernel, tensors, prepared) => call(narrow(kernel), tensors, prepared),
    },
    ...(batched && { batched }),
    ...(outOfRange && { outOfRange: (kernel, scope) => outOfRange(narrow(kernel), scope) }),
  };
}

/** True when the kernel has the op. */
export function hasOp(suite: OpSuite, kernel: Kernel): boolean {
  return !suite.training || canTrain(kernel);
}

/** Extents of the minimal calls. */
export const [B, L, D, N, W] = [2, 4, 3, 5, 4];

/** A float32 argument of a minimal call. */
export const f32 = (...shape: number[]) => ({ shape, dtype: "f32" }) as const;

/** An integer argument of a minimal call. */
export const i32 = (...shape: number[]) => ({ shape, dtype: "i32" }) as const;
