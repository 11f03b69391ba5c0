import { lastExtent } from "@mamba/kernel";
import type { WebGpuKernel } from "./kernel.ts";
import { memoize } from "./memoize.ts";
import type { WebGpuTensor } from "./memory/tensor.ts";
import type { Runtime } from "./runtime.ts";
import { defineShader } from "./shader.ts";

// Plain shaders, written without tuning: a baseline for the speed of the ops.

/** A baseline to measure next to the ops. `run` disposes its results. */
export interface Probe {
  readonly name: string;
  readonly kind: "copy" | "tiled matmul" | "blocked matmul" | "linear";
  /** Bytes read and written. */
  readonly bytes: number;
  readonly flops: number;
  readonly run: () => void;
}

// copy = source, four numbers per invocation.
const copyShader = defineShader({
  name: "probe copy",
  read: { source: "vec4<f32>" },
  write: { copy: "vec4<f32>" },
  params: { count: "u32" },
  code: /* wgsl */ `
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i < p.count) { copy[i] = source[i]; }
}`,
});

// y [rows, columns] = a [rows, depth] · b [depth, columns] in tiles of 16 by 16 in workgroup memory, one invocation per
// number. Sizes are multiples of 64, here and below.
const tiledShader = defineShader({
  name: "probe tiled matmul",
  read: { a: "f32", b: "f32" },
  write: { y: "f32" },
  params: { depth: "u32", columns: "u32" },
  workgroup: 256,
  code: /* wgsl */ `
var<workgroup> as_: array<f32, 256>;
var<workgroup> bs: array<f32, 256>;
fn run(group: u32, lane: u32) {
  let across = p.columns / 16u;
  let row = group / across * 16u + lane / 16u;
  let column = group % across * 16u + lane % 16u;
  var sum = 0.0;
  for (var k = 0u; k < p.depth; k += 16u) {
    as_[lane] = a[row * p.depth + k + lane % 16u];
    bs[lane] = b[(k + lane / 16u) * p.columns + column];
    workgroupBarrier();
    for (var i = 0u; i < 16u; i++) { sum += as_[lane / 16u * 16u + i] * bs[i * 16u + lane % 16u]; }
    workgroupBarrier();
  }
  y[row * p.columns + column] = sum;
}`,
});

// The same product without workgroup memory: each of 8 by 8 invocations computes `high` rows of `wide` vectors in registers.
const blockedShader = memoize((high: number, wide: number) => {
  const list = (count: number, line: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => line(i)).join(" ");
  const all = (line: (r: number, c: number) => string) =>
    list(high, (r) => list(wide, (c) => line(r, c))) + "\n";
  return defineShader({
    name: `probe blocked matmul ${high} by ${4 * wide}`,
    read: { a: "vec4<f32>", b: "vec4<f32>" },
    write: { y: "vec4<f32>" },
    params: { depth: "u32", columns: "u32" },
    code: /* wgsl */ `
fn run(group: u32, lane: u32) {
  let width = p.columns / 4u;
  let across = width / ${8 * wide}u;
  let row = (group / across * 8u + lane / 8u) * ${high}u;
  let column = (group % across * 8u + lane % 8u) * ${wide}u;
  let steps = p.depth / 4u;
  ${all((r, c) => `var s${r}_${c} = vec4<f32>(0.0);`)}
  for (var k = 0u; k < steps; k++) {
    ${list(high, (r) => `let a${r} = a[(row + ${r}u) * steps + k];`)}
    ${list(4, (i) => `{ ${list(wide, (c) => `let b${c} = b[(4u * k + ${i}u) * width + column + ${c}u];`)} ${all((r, c) => `s${r}_${c} += a${r}[${i}] * b${c};`)} }`)}
  }
  ${all((r, c) => `y[(row + ${r}u) * width + column + ${c}u] = s${r}_${c};`)}
}`,
  });
});

/** Rows and columns of the tile that one invocation computes in registers: the usual choices. */
export const registerTiles = [
  [4, 4],
  [8, 4],
  [4, 8],
  [8, 8],
] as const;

/** Computes a plain product of dense a [rows, depth] and b [depth, columns]. All sizes are multiples of 64. */
export function plainMatmul(
  runtime: Runtime,
  tile: (typeof registerTiles)[number] | "shared",
  a: WebGpuTensor,
  b: WebGpuTensor,
): WebGpuTensor {
  const [rows = 1, depth = 1] = a.shape;
  const columns = lastExtent(b.shape);
  runtime.checkOpen("probe");
  const y = runtime.result("probe", [rows, columns]);
  const params = { depth, columns };
  if (tile === "shared") {
    runtime.run("probe", tiledShader, { a, b, y }, params, (rows * columns) / 256);
  } else {
    const [high, wide] = tile;
    const shader = blockedShader(high, wide / 4);
    runtime.run("probe", shader, { a, b, y }, params, (rows * columns) / (64 * high * wide));
  }
  return y;
}

interface ProbeSizes {
  /** Sizes of the products: multiples of 64. */
  readonly rows: number;
  readonly depth: number;
  readonly columns: number;
  /** Bytes that the copy reads. */
  readonly copied: number;
}

/** Sizes that keep a GPU busy. A software adapter is busy with less. */
const onGpu: ProbeSizes = { rows: 1024, depth: 1024, columns: 1024, copied: 64 * 2 ** 20 };
const onSoftware: ProbeSizes = { rows: 256, depth: 256, columns: 512, copied: 16 * 2 ** 20 };

/** A streaming copy, the plain products, and `linear` at their sizes, to measure in turns with the ops. */
export function probes(
  kernel: WebGpuKernel,
  sizes = kernel.runtime.traits.parallel ? onGpu : onSoftware,
): { readonly all: readonly Probe[]; dispose(): void } {
  const { runtime } = kernel;
  const { rows, depth, columns, copied } = sizes;
  const ramp = (shape: readonly number[]) => {
    const data = Float32Array.from(
      { length: shape.reduce((a, b) => a * b) },
      (_, i) => (i % 1009) / 1009 - 0.5,
    );
    return kernel.upload(data, shape, "f32") as WebGpuTensor;
  };
  const [a, b, weight] = [ramp([rows, depth]), ramp([depth, columns]), ramp([columns, depth])];
  const source = ramp([copied / 4]);
  const product = {
    bytes: 4 * (rows * depth + depth * columns + rows * columns),
    flops: 2 * rows * depth * columns,
  };
  const matmul = (tile: (typeof registerTiles)[number] | "shared") => () =>
    plainMatmul(runtime, tile, a, b).dispose();
  const shape = `${rows}×${depth}×${columns}`;
  return {
    all: [
      {
        ...{ name: "streaming copy", kind: "copy", bytes: 2 * copied, flops: 0 },
        run() {
          runtime.checkOpen("probe");
          using copy = runtime.result("probe", source.shape);
          const count = copied / 16;
          runtime.run("probe", copyShader, { source, copy }, { count }, Math.ceil(count / 64));
        },
      },
      { name: `plain tiled matmul ${shape}`, kind: "tiled matmul", ...product, run: matmul("shared") },
      ...registerTiles.map((tile) => ({
        ...{
          name: `plain matmul ${shape}, ${tile.join("×")} in registers`,
          kind: "blocked matmul" as const,
        },
        ...{ ...product, run: matmul(tile) },
      })),
      {
        ...{ name: `linear ${shape}`, kind: "linear", ...product },
        run: () => kernel.linear(a, weight).dispose(),
      },
    ],
    dispose() {
      for (const tensor of [a, b, weight, source]) tensor.dispose();
    },
  };
}
