import type { Runtime } from "./runtime.ts";
import type { CudaTensor } from "./tensor.ts";

/**
 * The second stage of a sum over chunks: `y` [count] = the sum of the rows of `partial` [chunks, count], in their order, plus
 * `bias` [width], repeated, when given. `y` may be `partial` when there is one chunk.
 */
export function addPartials(
  runtime: Runtime,
  op: string,
  partial: CudaTensor,
  y: CudaTensor,
  sizes: { readonly count: number; readonly chunks: number },
  bias?: CudaTensor,
): void {
  const { count, chunks } = sizes;
  const grid = Math.min(65535, Math.ceil(count / 256));
  const width = bias?.shape[0] ?? count;
  runtime.launch(op, "addPartials", grid, 256, [partial, bias, y, count, chunks, width]);
}
