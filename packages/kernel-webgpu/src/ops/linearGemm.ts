import type { FloatDType } from "@mamba/kernel";
import { defineShader } from "../shader.ts";
import { lazily, product } from "../wgsl/product.ts";

// y = x · weightᵀ + bias in tiles: a workgroup makes 32 by 32 numbers of y, each invocation 4 by 4 of them in registers.

/** Rows of x and outputs per workgroup. */
export const gemmTile = 32;

const four16 = [0, 1, 2, 3];

const build = (dtype: FloatDType, four: boolean) => {
  const { x, weight, code } = product(dtype, four);
  const each = (line: (i: number) => string) => four16.map(line).join("\n    ");
  const both = (line: (r: number, o: number) => string) =>
    each((r) => four16.map((o) => line(r, o)).join(" "));
  return defineShader({
    name: `linear ${dtype}, tiles${four ? "" : ", unaligned"}`,
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
fn store(r: u32, o: u32, sum: f32) {
  if (r >= p.rows || o >= p.outputs) { return; }
  var value = sum;
  if (p.bias_stride != 0u) { value += bias[p.first + o]; }
  y[r * p.outFeatures + p.first + o] = value;
}
fn run(group: u32, lane: u32) {
  let row = (group % p.tiles) * 32u + (lane / 8u) * 4u;
  let output = (group / p.tiles) * 32u + (lane % 8u) * 4u;
  let steps = p.inFeatures / lanes;
  // Rows and outputs past the end read the last one again and are not stored.
    ${each((r) => `let x${r} = (p.x_at + min(row + ${r}u, p.rows - 1u) * p.x_stride) / lanes;`)}
    ${each((o) => `let w${o} = p.weight_at / lanes + min(output + ${o}u, p.outputs - 1u) * steps;`)}
    ${both((r, o) => `var s${r}${o} = Lane(0.0);`)}
  for (var i = 0u; i < steps; i++) {
    ${each((r) => `let a${r} = xLane(x${r} + i);`)}
    ${each((o) => `let b${o} = weightLane(w${o} + i);`)}
    ${both((r, o) => `s${r}${o} += a${r} * b${o};`)}
  }
    ${both((r, o) => `store(row + ${r}u, output + ${o}u, total(s${r}${o}));`)}
}`,
  });
};

export const gemmShaders = {
  f32: lazily((four: boolean) => build("f32", four)),
  f16: lazily((four: boolean) => build("f16", four)),
  bf16: lazily((four: boolean) => build("bf16", four)),
};
