import { type Kernel, Scope, type Tensor } from "@mamba/kernel";
import type { CaseInput, OpCase } from "./case.ts";

/** The inputs of a case on a kernel. */
export interface LoadedCase extends Disposable {
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** Calls the op once: new tensors that the caller owns. In-place inputs advance. */
  run(): Readonly<Record<string, Tensor>>;
}

/** Uploads one input, as a view where the case asks for one. Everything that `scope` then owns can be freed with it. */
export function loadInput(kernel: Kernel, input: CaseInput, scope: Scope): { base: Tensor; tensor: Tensor } {
  const { data, shape, dtype, window } = input;
  if (window === undefined) {
    const tensor = scope.use(kernel.upload(data, shape, dtype));
    return { base: tensor, tensor };
  }
  const { wide, wideShape } = widened(input, window.before, window.after);
  const base = scope.use(kernel.upload(wide, wideShape, dtype));
  const count = shape[shape.length - 1] as number;
  return { base, tensor: scope.use(kernel.columns(base, window.before, count)) };
}

/** The wider tensor that a windowed input is a view of. Only f32 inputs have windows: they are surrounded by NaN. */
export function widened(input: CaseInput, before: number, after: number) {
  const last = input.shape[input.shape.length - 1] as number;
  const width = before + last + after;
  const rows = input.data.length / last;
  const wide = new Float32Array(rows * width).fill(NaN);
  for (let r = 0; r < rows; r++) wide.set(input.data.subarray(r * last, (r + 1) * last), r * width + before);
  return { wide, wideShape: [...input.shape.slice(0, -1), width] };
}

/** Uploads a case to run it many times, as a benchmark does. */
export function loadCase(kernel: Kernel, item: OpCase): LoadedCase {
  const scope = new Scope();
  const tensors: Record<string, Tensor> = {};
  for (const [name, input] of Object.entries(item.inputs())) {
    if (input) tensors[name] = loadInput(kernel, input, scope).tensor;
  }
  const prepared = item.prepare?.(kernel, tensors);
  if (prepared) scope.use(prepared);
  return {
    tensors,
    run: () => item.run(kernel, tensors, prepared),
    [Symbol.dispose]: () => {
      scope.dispose();
    },
  };
}
