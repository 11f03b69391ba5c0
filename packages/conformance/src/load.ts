import { type Kernel, lastExtent, Scope, type Tensor } from "@mamba/kernel";
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

/**
 * Uploads one input, as a view when the case asks for one. `base` is the tensor whose columns the view has, or the tensor
 * itself. `scope` owns both.
 */
export function loadInput(kernel: Kernel, input: CaseInput, scope: Scope): { base: Tensor; tensor: Tensor } {
  const { data, shape, dtype, view } = input;
  if (view === undefined) {
    const tensor = scope.use(kernel.upload(data, shape, dtype));
    return { base: tensor, tensor };
  }
  const { wide, wideShape } = widened(input, view.before, view.after);
  const base = scope.use(kernel.upload(wide, wideShape, dtype));
  return { base, tensor: scope.use(kernel.columns(base, view.before, lastExtent(shape))) };
}

/** Returns the wider tensor that an input is a view of. Views are f32: they are surrounded by NaN. */
export function widened(input: CaseInput, before: number, after: number) {
  const last = lastExtent(input.shape);
  const width = before + last + after;
  const rows = input.data.length / last;
  const wide = new Float32Array(rows * width).fill(NaN);
  for (let r = 0; r < rows; r++) wide.set(input.data.subarray(r * last, (r + 1) * last), r * width + before);
  return { wide, wideShape: [...input.shape.slice(0, -1), width] };
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
