import type { FloatDType } from "@mamba/kernel";
import type { Bound } from "../dispatcher.ts";
import type { Runtime } from "../runtime.ts";
import { defineShader } from "../shader.ts";
import type { WebGpuTensor } from "../tensor.ts";
import { lazily } from "../wgsl/product.ts";
import { weight4, weightAt, weightElement } from "../wgsl/weights.ts";

// y[r, c] = sum_k a[r · rowStep + k · depthStep] * weight[k, c]: both products of linear's backward. A workgroup makes 32 by
// 32 numbers of y, an invocation 4 by 4 of them. Terms are added up in blocks and the blocks then, which keeps the rounding
// errors of a sum over all positions of a batch small.

const tile = 32;
const four = [0, 1, 2, 3];
const each = (line: (r: number) => string) => four.map(line).join("\n  ");

const build = (dtype: FloatDType, aligned: boolean) =>
  defineShader({
    name: `backward product ${dtype}${aligned ? "" : ", unaligned"}`,
    read: { a: "f32", weight: weightElement(dtype, aligned) },
    write: { y: "f32" },
    params: {
      rows: "u32",
      columns: "u32",
      depth: "u32",
      skip: "u32",
      rowStep: "u32",
      depthStep: "u32",
      tiles: "u32",
      block: "u32",
      more: "u32",
    },
    code: /* wgsl */ `
${aligned ? weight4(dtype) : weightAt(dtype)}
// Columns past the end read the last ones again and are not stored, and so do rows.
fn four(k: u32, column: u32) -> vec4<f32> {
  let row = p.weight_at + k * p.weight_stride;
${
  aligned
    ? "  return weight4((row + min(column, p.columns - 4u)) / 4u);"
    : `  let last = p.columns - 1u;
  return vec4<f32>(${four.map((c) => `weightAt(row + min(column + ${c}u, last))`).join(", ")});`
}
}
fn held(r: u32, column: u32) -> vec4<f32> {
  var sum = vec4<f32>(0.0);
  if (p.more == 0u || r >= p.rows) { return sum; }
  for (var c = 0u; c < 4u && column + c < p.columns; c++) { sum[c] = y[p.y_at + r * p.columns + column + c]; }
  return sum;
}
fn store(r: u32, column: u32, sum: vec4<f32>) {
  if (r >= p.rows) { return; }
  for (var c = 0u; c < 4u; c++) {
    if (column + c >= p.columns) { return; }
    y[p.y_at + r * p.columns + column + c] = sum[c];
  }
}
fn run(group: u32, lane: u32) {
  let row = (group % p.tiles) * ${tile}u + (lane / 8u) * 4u;
  let column = (group / p.tiles) * ${tile}u + (lane % 8u) * 4u;
  ${each((r) => `let a${r} = p.a_at + p.skip + min(row + ${r}u, p.rows - 1u) * p.rowStep;`)}
  ${each((r) => `var total${r} = vec4<f32>(0.0);`)}
  ${each((r) => `var sum${r} = held(row + ${r}u, column);`)}
  for (var first = 0u; first < p.depth; first += p.block) {
    let end = min(first + p.block, p.depth);
    for (var k = first; k < end; k++) {
      let w = four(k, column);
      let at = k * p.depthStep;
  ${each((r) => `    sum${r} += a[a${r} + at] * w;`)}
    }
  ${each((r) => `  total${r} += sum${r}; sum${r} = vec4<f32>(0.0);`)}
  }
  ${each((r) => `store(row + ${r}u, column, total${r});`)}
}`,
  });

const backwardProductShaders = {
  f32: lazily((aligned: boolean) => build("f32", aligned)),
  f16: lazily((aligned: boolean) => build("f16", aligned)),
  bf16: lazily((aligned: boolean) => build("bf16", aligned)),
};

/** One product: `y` [rows, columns] from `weight` [depth, columns]. */
interface BackwardProduct {
  readonly a: WebGpuTensor;
  readonly weight: Bound;
  readonly dtype: FloatDType;
  /** Whether every row of `weight` starts at a multiple of four numbers and has such a length. */
  readonly aligned: boolean;
  readonly y: Bound;
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  /** Elements of `a` before the first. */
  readonly skip: number;
  readonly rowStep: number;
  readonly depthStep: number;
  /** Terms to a block. */
  readonly block: number;
  /** Whether the first block goes on from what `y` holds. */
  readonly more: boolean;
}

export function backwardProduct(runtime: Runtime, op: string, product: BackwardProduct): void {
  const { a, weight, dtype, aligned, y, more, ...sizes } = product;
  const tiles = Math.ceil(sizes.rows / tile);
  runtime.run(
    op,
    backwardProductShaders[dtype](aligned),
    { a, weight, y },
    { ...sizes, tiles, more: more ? 1 : 0 },
    tiles * Math.ceil(sizes.columns / tile),
  );
}
