import { lastExtent } from "@mamba/kernel";
import type { Op } from "../op.ts";
import { defineShader } from "../shader.ts";

// y[i] = x[i] / (1 - probability) where hash(i) >= threshold, else 0, in the same words of 32 bits
// as `dropoutKeeps` of @mamba/kernel.
const dropoutShader = defineShader({
  name: "dropout",
  read: { x: "f32" },
  write: { y: "f32" },
  params: { count: "u32", width: "u32", seed: "u32", threshold: "u32", kept: "f32" },
  code: /* wgsl */ `
fn mix32(word: u32) -> u32 {
  var h = (word ^ (word >> 16u)) * 0x21f0aaadu;
  h = (h ^ (h >> 15u)) * 0x735a2d97u;
  return h ^ (h >> 15u);
}
fn run(group: u32, lane: u32) {
  let salt = mix32(p.seed + 0x9e3779b9u);
  for (var k = 0u; k < 4u; k++) {
    let i = group * 256u + k * workgroupSize + lane;
    if (i >= p.count) { return; }
    var value = 0.0;
    if (mix32(mix32(i ^ salt) + p.seed) >= p.threshold) {
      value = x[p.x_at + i + i / p.width * (p.x_stride - p.width)] / p.kept;
    }
    y[i] = value;
  }
}`,
});

export const dropout: Op<"dropout"> = (runtime, { count, threshold }, x, probability, seed) => {
  const y = runtime.result("dropout", x.shape);
  const params = { count, width: lastExtent(x.shape), seed, threshold, kept: 1 - probability };
  runtime.run("dropout", dropoutShader, { x, y }, params, Math.ceil(count / 256));
  return y;
};
