import {
  type DType,
  formats,
  type HostArray,
  hostArray,
  isQuantized,
  type Kernel,
  lastExtent,
  Scope,
  type Tensor,
} from "@mamba/kernel";
import type { CaseInput, OpCase } from "./case.ts";

/** The inputs of a case on a kernel. */
export interface LoadedCase extends Disposable {
  /** Calls the op once and returns its new tensors, which the caller owns. Inputs updated in place go on from there. */
  run(): Readonly<Record<string, Tensor>>;
  /** Frees the inputs. */
  dispose(): void;
}

/** Options of `loadCase`. */
export interface LoadOptions {
  /** Number of copies of the inputs, which the runs take in turn. Default 1. */
  copies?: number;
}

/** A tensor for one input, and the uploaded tensor that holds it. */
export interface LoadedInput {
  readonly tensor: Tensor;
  readonly base: Tensor;
  /** The content of `base`. */
  readonly data: HostArray;
  /** True for the elements of `base` that belong to `tensor`. */
  readonly isInside: (element: number) => boolean;
}

/**
 * Uploads one input, as a column view when the case asks for one. `scope` owns the tensors.
 *
 * @param viewRows true to pass the input, or the tensor whose columns it has, as a view of rows of a longer tensor that start at no
 * multiple of four numbers. Quantised tensors have no views and are passed whole.
 */
export function loadInput(kernel: Kernel, input: CaseInput, scope: Scope, viewRows = false): LoadedInput {
  const { shape, dtype, view } = input;
  const inRows = viewRows && !isQuantized(dtype);
  const last = lastExtent(shape);
  const { before, after } = view ?? { before: 0, after: 0 };
  const width = before + last + after;
  const wide = view ? widened(input, before, width) : input.data;
  const wideShape = [...shape.slice(0, -1), width];
  const first = inRows ? rowsBefore(dtype) : 0;
  const data = inRows ? surrounded(wide, dtype, first) : wide;
  const base = scope.use(kernel.upload(data, inRows ? [data.length] : wideShape, dtype));
  let tensor = base;
  if (inRows) tensor = scope.use(kernel.reshape(scope.use(kernel.rows(base, first, wide.length)), wideShape));
  if (view) tensor = scope.use(kernel.columns(tensor, before, last));
  const isInside = (element: number): boolean => {
    const at = element - first;
    return at >= 0 && at < wide.length && at % width >= before && at % width < before + last;
  };
  return { tensor, base, data, isInside };
}

/** Returns the rows of an input in rows of `width`. Column views are f32: they are surrounded by NaN. */
function widened({ data, shape }: CaseInput, before: number, width: number): Float32Array {
  const last = lastExtent(shape);
  const rows = data.length / last;
  const wide = new Float32Array(rows * width).fill(NaN);
  for (let r = 0; r < rows; r++) wide.set(data.subarray(r * last, (r + 1) * last), r * width + before);
  return wide;
}

/** Elements before a view of rows: those of 16 bits begin at even elements. */
function rowsBefore(dtype: DType): number {
  return formats[dtype].blockBytes === 2 ? 2 : 3;
}

/** Returns `data` with values around it that no op may use: NaN, and a large number in i32. */
function surrounded(data: HostArray, dtype: DType, before: number): HostArray {
  const half = formats[dtype].blockBytes === 2;
  // Rows of 16 bits end at an even element or with their tensor.
  const after = half && data.length % 2 === 1 ? 0 : 4;
  const all = hostArray(dtype, before + data.length + after);
  all.fill(dtype === "i32" ? 0x7f7f7f7f : half ? 0x7fff : NaN);
  all.set(data, before);
  return all;
}

/**
 * Uploads the inputs of a case once, to run it any number of times, as a benchmark does:
 *
 * ```ts
 * using loaded = loadCase(kernel, item);
 * for (const output of Object.values(loaded.run())) output.dispose();
 * await kernel.sync();
 * ```
 *
 * With `copies` the runs take turns on copies of the inputs, so that weights come from memory instead of a cache, as they do
 * in a whole model.
 */
export function loadCase(kernel: Kernel, item: OpCase, { copies = 1 }: LoadOptions = {}): LoadedCase {
  const scope = new Scope();
  try {
    const inputs = Object.entries(item.inputs());
    const runs = Array.from({ length: copies }, () => {
      const tensors: Record<string, Tensor> = {};
      for (const [name, input] of inputs) {
        if (input) tensors[name] = loadInput(kernel, input, scope).tensor;
      }
      const prepared = item.prepare?.(kernel, tensors);
      if (prepared) scope.use(prepared);
      return () => item.run(kernel, tensors, prepared);
    });
    let turn = 0;
    const dispose = () => scope.dispose();
    return { run: () => runs[turn++ % copies]?.() ?? {}, dispose, [Symbol.dispose]: dispose };
  } catch (error) {
    scope.dispose();
    throw error;
  }
}
