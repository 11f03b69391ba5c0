import { defineShader } from "../shader.ts";
import { lazily, linearParams, storeOutput } from "../wgsl/product.ts";
import { weight4, weightAt, weightElement, type WeightKind } from "../wgsl/weights.ts";

// y = x · weightᵀ + bias for GPUs: a workgroup makes 64 by 64 numbers of y, each of its 16 by 16 invocations 4 by 4 of them.
// Slabs of 16 features go through workgroup memory, so that each number is read from memory once for 64 products. 10 KiB of
// the 16 that WebGPU guarantees.

const four = [0, 1, 2, 3];
const each = (line: (i: number) => string) => four.map(line).join("\n    ");
const both = (line: (r: number, o: number) => string) => each((r) => four.map((o) => line(r, o)).join(" "));

export const slabShader = lazily((kind: WeightKind, aligned: boolean) =>
  defineShader({
    name: `linear ${kind}, slabs${aligned ? "" : ", unaligned"}`,
    enable: kind === "native f16" ? ["f16"] : [],
    read: { x: aligned ? "vec4<f32>" : "f32", weight: weightElement(kind, aligned), bias: "f32" },
    write: { y: "f32" },
    params: linearParams,
    workgroup: 256,
    code: /* wgsl */ `
${aligned ? weight4(kind) : weightAt(kind)}
// Rows of a slab are five vectors apart: neighbours read different banks.
const pitch = 5u;
var<workgroup> xs: array<vec4<f32>, 64u * pitch>;
var<workgroup> ws: array<vec4<f32>, 64u * pitch>;
// Four features from the k-th on, 0 past the last. Rows and outputs past the end are the last one again, and not stored.
fn xFour(row: u32, k: u32) -> vec4<f32> {
  let at = p.x_at + min(row, p.rows - 1u) * p.x_stride + k;
${
  aligned
    ? "  if (k >= p.inFeatures) { return vec4<f32>(0.0); }\n  return x[at / 4u];"
    : `  var found = vec4<f32>(0.0);
  for (var i = 0u; i < 4u && k + i < p.inFeatures; i++) { found[i] = x[at + i]; }
  return found;`
}
}
fn weightFour(output: u32, k: u32) -> vec4<f32> {
  let at = p.weight_at + min(output, p.outputs - 1u) * p.inFeatures + k;
${
  aligned
    ? "  if (k >= p.inFeatures) { return vec4<f32>(0.0); }\n  return weight4(at / 4u);"
    : `  var found = vec4<f32>(0.0);
  for (var i = 0u; i < 4u && k + i < p.inFeatures; i++) { found[i] = weightAt(at + i); }
  return found;`
}
}
${storeOutput}
fn run(group: u32, lane: u32) {
  let row = (group % p.tiles) * 64u;
  let output = (group / p.tiles) * 64u;
  let ownRow = lane / 16u;
  let ownOutput = lane % 16u;
  let place = lane / 4u * pitch + lane % 4u;
    ${both((r, o) => `var s${r}${o} = 0.0;`)}
  for (var k = 0u; k < p.inFeatures; k += 16u) {
    xs[place] = xFour(row + lane / 4u, k + lane % 4u * 4u);
    ws[place] = weightFour(output + lane / 4u, k + lane % 4u * 4u);
    workgroupBarrier();
    for (var i = 0u; i < 4u; i++) {
    ${each((r) => `let a${r} = xs[(ownRow + ${16 * r}u) * pitch + i];`)}
    ${each((o) => `let b${o} = ws[(ownOutput + ${16 * o}u) * pitch + i];`)}
    ${both((r, o) => `s${r}${o} += dot(a${r}, b${o});`)}
    }
    workgroupBarrier();
  }
    ${both((r, o) => `store(row + ownRow + ${16 * r}u, output + ownOutput + ${16 * o}u, s${r}${o});`)}
}`,
  }),
);
