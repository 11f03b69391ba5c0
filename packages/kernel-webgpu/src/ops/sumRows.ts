import type { Bound } from "../dispatcher.ts";
import type { Op } from "../op.ts";
import type { Runtime } from "../runtime.ts";
import { defineShader } from "../shader.ts";
import type { WebGpuTensor } from "../tensor.ts";

/** Rows that one invocation adds up. A pass leaves a row of sums for each block of these; the passes go on until one is left. */
export const rowsPerBlock = 128;

// sum[block, i] = the sum of x[r, i] over the rows of the block.
const sumRowsShader = defineShader({
  name: "sumRows",
  read: { x: "f32" },
  write: { sum: "f32" },
  params: { rows: "u32", width: "u32", strips: "u32" },
  code: /* wgsl */ `
fn run(group: u32, lane: u32) {
  let block = group / p.strips;
  let i = (group % p.strips) * workgroupSize + lane;
  if (i >= p.width) { return; }
  let end = min((block + 1u) * ${rowsPerBlock}u, p.rows);
  var total = 0.0;
  for (var r = block * ${rowsPerBlock}u; r < end; r++) { total += x[p.x_at + r * p.x_stride + i]; }
  sum[p.sum_at + block * p.width + i] = total;
}`,
});

export const sumRows: Op<"sumRows"> = (runtime, { rows, features }, dy) => {
  const sum = runtime.result("sumRows", [features]);
  addRows(runtime, "sumRows", dy, rows, features, sum);
  return sum;
};

/** Writes the sum of the rows of `x` [rows, width] over `sum` [width]. The order of the additions depends on the sizes alone. */
export function addRows(
  runtime: Runtime,
  op: string,
  x: WebGpuTensor,
  rows: number,
  width: number,
  sum: Bound,
): void {
  const strips = Math.ceil(width / 64);
  const blocks = Math.ceil(rows / rowsPerBlock);
  if (blocks === 1) {
    runtime.run(op, sumRowsShader, { x, sum }, { rows, width, strips }, strips);
    return;
  }
  const partial = runtime.result(op, [blocks, width]);
  runtime.run(op, sumRowsShader, { x, sum: partial }, { rows, width, strips }, blocks * strips);
  addRows(runtime, op, partial, blocks, width, sum);
  partial.dispose();
}
