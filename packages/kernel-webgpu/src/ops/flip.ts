import type { Op } from "../op.ts";
import { defineShader } from "../shader.ts";

// y[b, l] = x[b, L-1-l]
const flipShader = defineShader({
  name: "flip",
  read: { x: "f32" },
  write: { y: "f32" },
  params: { count: "u32", length: "u32", channels: "u32" },
  code: /* wgsl */ `
fn run(group: u32, lane: u32) {
  for (var k = 0u; k < 4u; k++) {
    let i = group * 256u + k * workgroupSize + lane;
    if (i >= p.count) { return; }
    let row = i / p.channels;
    let l = row % p.length;
    let source = row - l + (p.length - 1u - l);
    y[i] = x[p.x_at + source * p.x_stride + i % p.channels];
  }
}`,
});

export const flip: Op<"flip"> = (runtime, { batch, length, channels }, x) => {
  const y = runtime.result("flip", x.shape);
  const count = batch * length * channels;
  runtime.run("flip", flipShader, { x, y }, { count, length, channels }, Math.ceil(count / 256));
  return y;
};
