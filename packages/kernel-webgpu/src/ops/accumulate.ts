import { checkAccumulate, isDense, rowCount, type Tensor } from "@mamba/kernel";
import { flatPieces } from "../pieces.ts";
import type { Runtime } from "../runtime.ts";
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

export function accumulate(runtime: Runtime, target: Tensor, x: Tensor, factor = 1): void {
  checkAccumulate(target, x, factor);
  const op = "accumulate";
  runtime.checkOpen(op);
  const sum = runtime.own(op, "target", target);
  const term = runtime.own(op, "x", x);
  const width = x.shape[x.shape.length - 1] as number;
  if (!isDense(sum) || !isDense(term)) {
    const count = rowCount(x) * width;
    const params = { count, width, factor };
    runtime.run(op, accumulateShader, { x: term, sum }, params, Math.ceil(count / 256));
    return;
  }
  for (const { start, count } of flatPieces(runtime, sum)) {
    const buffers = { x: { tensor: term, start, count }, sum: { tensor: sum, start, count } };
    runtime.run(op, accumulateShader, buffers, { count, width: count, factor }, Math.ceil(count / 256));
  }
}
