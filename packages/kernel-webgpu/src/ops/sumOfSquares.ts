import { elementCount, isDense, lastExtent } from "@mamba/kernel";
import type { BufferArgument } from "../commands/dispatcher.ts";
import { flatChunks } from "../memory/chunks.ts";
import type { Op } from "../op.ts";
import { defineShader } from "../shader.ts";
import { addRows } from "../shared/addRows.ts";

/** Elements per workgroup. */
const elementsPerGroup = 4096;

/** Sums per workgroup: one of each invocation. */
const sumsPerGroup = 64;

// sums[g, i] = the sum of the squares of elements i, i + 64, i + 128, … of the 4096 elements of workgroup g.
const sumOfSquaresShader = defineShader({
  name: "sumOfSquares",
  read: { x: "f32" },
  write: { sums: "f32" },
  params: { count: "u32", width: "u32", first: "u32" },
  workgroup: sumsPerGroup,
  code: /* wgsl */ `
fn run(group: u32, lane: u32) {
  let end = min((group + 1u) * ${elementsPerGroup}u, p.count);
  var sum = 0.0;
  for (var i = group * ${elementsPerGroup}u + lane; i < end; i += workgroupSize) {
    let value = x[p.x_at + i / p.width * p.x_stride + i % p.width];
    sum += value * value;
  }
  sums[(p.first + group) * workgroupSize + lane] = sum;
}`,
});

export const sumOfSquares: Op<"sumOfSquares"> = (runtime, _, tensors) => {
  const op = "sumOfSquares";
  let groups = 0;
  const chunks: { x: BufferArgument; count: number; width: number; first: number }[] = [];
  const add = (x: BufferArgument, count: number, width: number) => {
    chunks.push({ x, count, width, first: groups });
    groups += Math.ceil(count / elementsPerGroup);
  };
  for (const tensor of tensors) {
    if (!isDense(tensor)) {
      add(tensor, elementCount(tensor.shape), lastExtent(tensor.shape));
      continue;
    }
    // A dense tensor is one long row. Its chunks hold whole workgroups, so the order of additions does not depend on them.
    for (const chunk of flatChunks(runtime, tensor, elementsPerGroup)) add(chunk, chunk.count, chunk.count);
  }
  const sum = runtime.result(op, [1]);
  const sums = runtime.result(op, [groups, sumsPerGroup]);
  const lanes = runtime.result(op, [sumsPerGroup, 1]);
  for (const { x, count, width, first } of chunks) {
    runtime.run(
      op,
      sumOfSquaresShader,
      { x, sums },
      { count, width, first },
      Math.ceil(count / elementsPerGroup),
    );
  }
  addRows(runtime, op, sums, groups, sumsPerGroup, lanes);
  addRows(runtime, op, lanes, sumsPerGroup, 1, sum);
  sums.dispose();
  lanes.dispose();
  return sum;
};
