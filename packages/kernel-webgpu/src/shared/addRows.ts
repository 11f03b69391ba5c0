import type { BufferArgument } from "../commands/dispatcher.ts";
import type { WebGpuTensor } from "../memory/tensor.ts";
import type { Runtime } from "../runtime.ts";
import { defineShader } from "../shader.ts";

/** Rows that one invocation adds up. A pass leaves one row of sums per chunk of rows; passes repeat until one row is left. */
export const rowsPerChunk = 128;

// sum[chunk, i] = the sum of x[r, i] over the rows r of the chunk.
const addRowsShader = defineShader({
  name: "sumRows",
  read: { x: "f32" },
  write: { sum: "f32" },
  params: { rows: "u32", width: "u32", columnGroups: "u32" },
  code: /* wgsl */ `
fn run(group: u32, lane: u32) {
  let chunk = group / p.columnGroups;
  let i = (group % p.columnGroups) * workgroupSize + lane;
  if (i >= p.width) { return; }
  let end = min((chunk + 1u) * ${rowsPerChunk}u, p.rows);
  var total = 0.0;
  for (var r = chunk * ${rowsPerChunk}u; r < end; r++) { total += x[p.x_at + r * p.x_stride + i]; }
  sum[p.sum_at + chunk * p.width + i] = total;
}`,
});

/** Overwrites `sum` [width] with the sum of the rows of `x` [rows, width]. The order of additions depends on the sizes only. */
export function addRows(
  runtime: Runtime,
  op: string,
  x: WebGpuTensor,
  rows: number,
  width: number,
  sum: BufferArgument,
): void {
  const columnGroups = Math.ceil(width / 64);
  const chunks = Math.ceil(rows / rowsPerChunk);
  const params = { rows, width, columnGroups };
  if (chunks === 1) {
    runtime.run(op, addRowsShader, { x, sum }, params, columnGroups);
    return;
  }
  const partial = runtime.result(op, [chunks, width]);
  runtime.run(op, addRowsShader, { x, sum: partial }, params, chunks * columnGroups);
  addRows(runtime, op, partial, chunks, width, sum);
  partial.dispose();
}
