import type { FloatDType } from "@mamba/kernel";
import { defineShader } from "../shader.ts";
import { lazily, product } from "../wgsl/product.ts";

// y = x · weightᵀ + bias for few rows of x: eight invocations share the sum of one output, and each weight is read once for
// all rows.

/** More rows go to the tiles. */
export const gemvRows = 8;
/** Outputs per workgroup. */
export const gemvOutputs = 8;

const build = (dtype: FloatDType, four: boolean, rows: number) => {
  const { x, weight, code } = product(dtype, four);
  const each = (line: (r: number) => string) =>
    Array.from({ length: rows }, (_, r) => line(r)).join("\n    ");
  return defineShader({
    name: `linear ${dtype}, ${rows} rows${four ? "" : ", unaligned"}`,
    read: { x, weight, bias: "f32" },
    write: { y: "f32" },
    params: {
      rows: "u32",
      inFeatures: "u32",
      outFeatures: "u32",
      first: "u32",
      outputs: "u32",
      tiles: "u32",
    },
    code: /* wgsl */ `
${code}
const sharers = 8u;
var<workgroup> partial: array<f32, ${64 * rows}>;
fn run(group: u32, lane: u32) {
  let o = group * ${gemvOutputs}u + lane / sharers;
  let steps = p.inFeatures / lanes;
  let matrix = p.weight_at / lanes + min(o, p.outputs - 1u) * steps;
  let xFrom = p.x_at / lanes;
  let xStride = p.x_stride / lanes;
    ${each((r) => `var sum${r} = Lane(0.0);`)}
  for (var i = lane % sharers; i < steps; i += sharers) {
    let w = weightLane(matrix + i);
    ${each((r) => `sum${r} += w * xLane(xFrom + ${r}u * xStride + i);`)}
  }
    ${each((r) => `partial[${r * 64}u + lane] = total(sum${r});`)}
  workgroupBarrier();
  for (var i = lane; i < ${gemvOutputs * rows}u; i += workgroupSize) {
    let r = i / ${gemvOutputs}u;
    let own = group * ${gemvOutputs}u + i % ${gemvOutputs}u;
    if (own < p.outputs) {
      var sum = 0.0;
      for (var k = 0u; k < sharers; k++) { sum += partial[r * 64u + (i % ${gemvOutputs}u) * sharers + k]; }
      if (p.bias_stride != 0u) { sum += bias[p.first + own]; }
      y[r * p.outFeatures + p.first + own] = sum;
    }
  }
}`,
  });
};

export const gemvShaders = {
  f32: lazily((four: boolean, rows: number) => build("f32", four, rows)),
  f16: lazily((four: boolean, rows: number) => build("f16", four, rows)),
  bf16: lazily((four: boolean, rows: number) => build("bf16", four, rows)),
};
