import type { Traits } from "../traits.ts";
import { defineShader } from "../shader.ts";
import { lazily, linearParams, product, storeOutput } from "../wgsl/product.ts";
import type { WeightKind } from "../wgsl/weights.ts";
import { slabShader } from "./linearSlabs.ts";

// y = x · weightᵀ + bias in tiles, straight from memory: each of 8 by 8 invocations makes a block of y in registers. For
// software adapters, where the larger block reads half as much and nothing needs to be shared.

const build = (kind: WeightKind, four: boolean, block: number) => {
  const { x, weight, enable, code } = product(kind, four);
  const indices = Array.from({ length: block }, (_, i) => i);
  const each = (line: (i: number) => string) => indices.map(line).join("\n    ");
  const both = (line: (r: number, o: number) => string) =>
    each((r) => indices.map((o) => line(r, o)).join(" "));
  return defineShader({
    name: `linear ${kind}, blocks of ${block}${four ? "" : ", unaligned"}`,
    enable,
    read: { x, weight, bias: "f32" },
    write: { y: "f32" },
    params: linearParams,
    code: /* wgsl */ `
${code}
const block = ${block}u;
${storeOutput}
fn run(group: u32, lane: u32) {
  let row = ((group % p.tiles) * 8u + lane / 8u) * block;
  let output = ((group / p.tiles) * 8u + lane % 8u) * block;
  let steps = p.inFeatures / lanes;
  // Rows and outputs past the end read the last one again and are not stored.
    ${each((r) => `let x${r} = (p.x_at + min(row + ${r}u, p.rows - 1u) * p.x_stride) / lanes;`)}
    ${each((o) => `let w${o} = p.weight_at / lanes + min(output + ${o}u, p.outputs - 1u) * steps;`)}
    ${both((r, o) => `var s${r}${o} = 0.0;`)}
  for (var i = 0u; i < steps; i++) {
    ${each((r) => `let a${r} = xLane(x${r} + i);`)}
    ${each((o) => `let b${o} = weightLane(w${o} + i);`)}
    ${both((r, o) => `s${r}${o} += times(a${r}, b${o});`)}
  }
    ${both((r, o) => `store(row + ${r}u, output + ${o}u, s${r}${o});`)}
}`,
  });
};

const blockShader = lazily(build);

/** The shader for so many rows, and how many rows and outputs a workgroup makes. */
export function gemm(
  { parallel }: Traits,
  kind: WeightKind,
  four: boolean,
  rows: number,
): { readonly shader: ReturnType<typeof build>; readonly tile: number } {
  if (parallel) return { shader: slabShader(kind, four), tile: 64 };
  const block = rows > 32 ? 8 : 4;
  return { shader: blockShader(kind, four, block), tile: 8 * block };
}
