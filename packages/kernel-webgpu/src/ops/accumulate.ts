import { isDense, lastExtent } from "@mamba/kernel";
import { rowCount } from "@mamba/kernel/author";
import { flatChunks } from "../memory/chunks.ts";
import type { Op } from "../op.ts";
import { defineShader } from "../shader.ts";

// sum += x * factor, in place.
const accumulateShader = defineShader({
  name: "accumulate",
  read: { x: "f32" },
  write: { sum: "f32" },
  params: { count: "u32", width: "u32", factor: "f32" },
  code: /* wgsl */ `
fn run(group: u32, lane: u32) {
  for (var k = 0u; k < 4u; k++) {
    let i = group * 256u + k * workgroupSize + lane;
    if (i >= p.count) { return; }
    let row = i / p.width;
    let column = i % p.width;
    sum[p.sum_at + row * p.sum_stride + column] += x[p.x_at + row * p.x_stride + column] * p.factor;
  }
}`,
});

export const accumulate: Op<"accumulate"> = (runtime, _, target, x, factor = 1) => {
  const op = "accumulate";
  const width = lastExtent(x.shape);
  if (!isDense(target) || !isDense(x)) {
    const count = rowCount(x) * width;
    const params = { count, width, factor };
    runtime.run(op, accumulateShader, { x, sum: target }, params, Math.ceil(count / 256));
    return;
  }
  for (const { start, count } of flatChunks(runtime, target)) {
    const buffers = { x: { tensor: x, start, count }, sum: { tensor: target, start, count } };
    runtime.run(op, accumulateShader, buffers, { count, width: count, factor }, Math.ceil(count / 256));
  }
};
