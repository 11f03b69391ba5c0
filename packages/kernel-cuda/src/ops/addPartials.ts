import type { Runtime } from "../runtime.ts";
import type { CudaTensor } from "../tensor.ts";

/**
 * The second stage of sums that were shared out: y [count] = the sum of the rows of partial [shares, count], in their order,
 * plus bias [width], over and over, where there is one. `y` may be `partial` when there is one share.
 */
export function addPartials(
  runtime: Runtime,
  op: string,
  partial: CudaTensor,
  y: CudaTensor,
  sizes: { readonly count: number; readonly shares: number },
  bias?: CudaTensor,
): void {
  const { count, shares } = sizes;
  const grid = Math.min(65535, Math.ceil(count / 256));
  const width = bias?.shape[0] ?? count;
  runtime.launch(op, "addPartials", grid, 256, [partial, bias, y, count, shares, width]);
}
