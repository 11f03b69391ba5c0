import { elementCount, isDense, lastExtent } from "@mamba/kernel";
import { flatPieces } from "../pieces.ts";
import type { Bound } from "../dispatcher.ts";
import type { Op } from "../op.ts";
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

export const sumOfSquares: Op<"sumOfSquares"> = (runtime, _, tensors) => {
  const op = "sumOfSquares";
  let groups = 0;
  const parts = tensors.flatMap((tensor) => {
    const width = lastExtent(tensor.shape);
    // Dense tensors are one long row, and pieces end where a share does: the order of the sum is always the same.
    const pieces: { x: Bound; count: number; width: number }[] = isDense(tensor)
      ? flatPieces(runtime, tensor, share).map((piece) => ({
          x: piece,
          count: piece.count,
          width: piece.count,
        }))
      : [{ x: tensor, count: elementCount(tensor.shape), width }];
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
};
