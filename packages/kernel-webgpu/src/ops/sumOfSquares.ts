import { checkSumOfSquares, elementCount, isDense, type Tensor } from "@mamba/kernel";
import { flatPieces } from "../pieces.ts";
import type { Bound } from "../dispatcher.ts";
import type { Runtime } from "../runtime.ts";
import { defineShader } from "../shader.ts";
import { addRows } from "./sumRows.ts";

/** Elements per workgroup, and sums that it leaves: one of each invocation. */
const [share, left] = [4096, 64];

const sumOfSquaresShader = defineShader({
  name: "sumOfSquares",
  read: { x: "f32" },
  write: { sums: "f32" },
  params: { count: "u32", width: "u32", first: "u32" },
  workgroup: left,
  code: /* wgsl */ `
fn run(group: u32, lane: u32) {
  let end = min((group + 1u) * ${share}u, p.count);
  var sum = 0.0;
  for (var i = group * ${share}u + lane; i < end; i += workgroupSize) {
    let value = x[p.x_at + i / p.width * p.x_stride + i % p.width];
    sum += value * value;
  }
  sums[(p.first + group) * workgroupSize + lane] = sum;
}`,
});

export function sumOfSquares(runtime: Runtime, tensors: readonly Tensor[]): Tensor {
  checkSumOfSquares(tensors);
  const op = "sumOfSquares";
  runtime.checkOpen(op);
  let groups = 0;
  const parts = tensors.flatMap((tensor, i) => {
    const own = runtime.own(op, `tensor ${i}`, tensor);
    const width = own.shape[own.shape.length - 1] as number;
    // Dense tensors are one long row, and pieces end where a share does: the order of the sum is always the same.
    const pieces: { x: Bound; count: number; width: number }[] = isDense(own)
      ? flatPieces(runtime, own, share).map((piece) => ({ x: piece, count: piece.count, width: piece.count }))
      : [{ x: own, count: elementCount(own.shape), width }];
    return pieces.map((piece) => {
      const first = groups;
      groups += Math.ceil(piece.count / share);
      return { ...piece, first };
    });
  });
  const sum = runtime.result(op, [1]);
  const sums = runtime.result(op, [groups, left]);
  const lanes = runtime.result(op, [left, 1]);
  for (const { x, count, width, first } of parts) {
    runtime.run(op, sumOfSquaresShader, { x, sums }, { count, width, first }, Math.ceil(count / share));
  }
  addRows(runtime, op, sums, groups, left, lanes);
  addRows(runtime, op, lanes, left, 1, sum);
  sums.dispose();
  lanes.dispose();
  return sum;
}
