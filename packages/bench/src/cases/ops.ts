import { byteLength, type FloatDType, type Kernel, type Scope, type Tensor } from "@mamba/kernel";
import { convFlops, scanFlops } from "./flops.ts";
import type { BenchmarkCase } from "../benchmarkCase.ts";
import { randomIds, randomTensor } from "../randomTensor.ts";

// The ops at the shapes of mamba-130m: D = 768, ED = 1536, N = 16, R = 48, W = 4, V = 50280.

export const D = 768;
export const ED = 1536;
export const N = 16;
const R = 48;
export const W = 4;
const V = 50280;
const storages = ["f32", "f16"] as const;

/** The weights of a GEMV take turns. Together they have at least this size, so that they come from memory as in a model. */
const rotationBytes = 64e6;

/** Frees the results of an op. */
export const discard = (...results: (Tensor | undefined)[]) => results.forEach((result) => result?.dispose());

function gemm(dtype: FloatDType): BenchmarkCase {
  const [rows, inner, columns] = [512, D, 2 * ED];
  return {
    name: `linear ${rows}×${inner}×${columns}`,
    dtype,
    bytes: 4 * rows * (inner + columns) + byteLength(dtype, [columns, inner]),
    flops: 2 * rows * inner * columns,
    prepare(kernel, scope) {
      const x = randomTensor(kernel, scope, [rows, inner], "f32");
      const weight = randomTensor(kernel, scope, [columns, inner], dtype);
      return () => discard(kernel.linear(x, weight));
    },
  };
}

function gemv(layer: string, inner: number, columns: number, dtype: FloatDType): BenchmarkCase {
  const weightBytes = byteLength(dtype, [columns, inner]);
  return {
    name: `linear ${layer} 1×${inner}×${columns}`,
    dtype,
    bytes: weightBytes + 4 * (inner + columns),
    flops: 2 * inner * columns,
    prepare(kernel, scope) {
      const x = randomTensor(kernel, scope, [1, inner], "f32");
      const weights = Array.from({ length: Math.ceil(rotationBytes / weightBytes) }, () =>
        randomTensor(kernel, scope, [columns, inner], dtype),
      );
      let turn = 0;
      return () => discard(kernel.linear(x, weights[turn++ % weights.length] as Tensor));
    },
  };
}

function conv(length: number): BenchmarkCase {
  return {
    name: `causalConv1d ${length}×${ED}`,
    dtype: "f32",
    bytes: 4 * 2 * length * ED,
    flops: length * ED * convFlops(W),
    prepare(kernel, scope) {
      const x = randomTensor(kernel, scope, [1, length, ED], "f32");
      const weight = randomTensor(kernel, scope, [ED, W], "f32");
      const bias = randomTensor(kernel, scope, [ED], "f32");
      return () => discard(kernel.causalConv1d({ x, weight, bias, activation: "silu" }).y);
    },
  };
}

/** Inputs of a scan with the leading axes `lead`: [B, L], or [B] for one token. */
export function scanArgs(kernel: Kernel, scope: Scope, lead: readonly number[]) {
  const wide = (scale = 1) => randomTensor(kernel, scope, [...lead, ED], "f32", scale);
  const narrow = () => randomTensor(kernel, scope, [...lead, N], "f32");
  const A = scope.use(kernel.negExp(randomTensor(kernel, scope, [ED, N], "f32")));
  const vector = () => randomTensor(kernel, scope, [ED], "f32");
  return {
    ...{ u: wide(), delta: wide(0.1), z: wide(), A, B: narrow(), C: narrow() },
    ...{ D: vector(), deltaBias: vector(), deltaSoftplus: true },
  };
}

function scan(length: number): BenchmarkCase {
  return {
    name: `selectiveScan ${length}×${ED}×${N}`,
    dtype: "f32",
    bytes: 4 * length * (4 * ED + 2 * N),
    flops: length * ED * scanFlops(N),
    prepare(kernel, scope) {
      const args = scanArgs(kernel, scope, [1, length]);
      return () => discard(kernel.selectiveScan(args).y);
    },
  };
}

function stateUpdate(batch: number): BenchmarkCase {
  return {
    name: `selectiveStateUpdate ${batch}×${ED}×${N}`,
    dtype: "f32",
    bytes: 4 * batch * (2 * ED * N + 4 * ED + 2 * N) + 4 * ED * N,
    flops: batch * ED * scanFlops(N),
    prepare(kernel, scope) {
      const state = scope.use(kernel.zeros([batch, ED, N], "f32"));
      const args = scanArgs(kernel, scope, [batch]);
      return () => discard(kernel.selectiveStateUpdate(state, args));
    },
  };
}

function convStep(batch: number): BenchmarkCase {
  return {
    name: `causalConv1dStep ${batch}×${ED}`,
    dtype: "f32",
    bytes: 4 * batch * ED * (2 * (W - 1) + 2) + 4 * ED * (W + 1),
    flops: batch * ED * convFlops(W),
    prepare(kernel, scope) {
      const state = scope.use(kernel.zeros([batch, ED, W - 1], "f32"));
      const x = randomTensor(kernel, scope, [batch, ED], "f32");
      const weight = randomTensor(kernel, scope, [ED, W], "f32");
      const bias = randomTensor(kernel, scope, [ED], "f32");
      return () => discard(kernel.causalConv1dStep(state, { x, weight, bias, activation: "silu" }));
    },
  };
}

function rmsNorm(rows: number): BenchmarkCase {
  return {
    name: `rmsNorm ${rows}×${D}`,
    dtype: "f32",
    bytes: 4 * 2 * rows * D,
    flops: rows * (4 * D + 2),
    prepare(kernel, scope) {
      const x = randomTensor(kernel, scope, [rows, D], "f32");
      const weight = randomTensor(kernel, scope, [D], "f32");
      return () => discard(kernel.rmsNorm(x, weight, 1e-5));
    },
  };
}

function add(rows: number): BenchmarkCase {
  return {
    name: `add ${rows}×${D}`,
    dtype: "f32",
    bytes: 4 * 3 * rows * D,
    flops: rows * D,
    prepare(kernel, scope) {
      const a = randomTensor(kernel, scope, [rows, D], "f32");
      const b = randomTensor(kernel, scope, [rows, D], "f32");
      return () => discard(kernel.add(a, b));
    },
  };
}

function embedding(rows: number, dtype: FloatDType): BenchmarkCase {
  return {
    name: `embedding ${rows}×${D}`,
    dtype,
    bytes: byteLength(dtype, [rows, D]) + byteLength("f32", [rows, D]),
    flops: 0,
    prepare(kernel, scope) {
      const ids = scope.use(kernel.upload(randomIds(rows), [rows], "i32"));
      const table = randomTensor(kernel, scope, [V, D], dtype);
      return () => discard(kernel.embedding(ids, table));
    },
  };
}

function sampler(name: string, pick: (kernel: Kernel, logits: Tensor) => Tensor): BenchmarkCase {
  return {
    name: `${name} ${V}`,
    dtype: "f32",
    bytes: 4 * V,
    flops: V,
    prepare(kernel, scope) {
      const logits = randomTensor(kernel, scope, [1, V], "f32", 4);
      return () => discard(pick(kernel, logits));
    },
  };
}

/** The forward ops, in the order of the report. */
export const opCases: readonly BenchmarkCase[] = [
  ...storages.map(gemm),
  ...storages.flatMap((dtype) => [
    gemv("in_proj", D, 2 * ED, dtype),
    gemv("x_proj", ED, R + 2 * N, dtype),
    gemv("dt_proj", R, ED, dtype),
    gemv("out_proj", ED, D, dtype),
    gemv("head", D, V, dtype),
  ]),
  ...[conv(2048), scan(2048), rmsNorm(512), add(512)],
  ...storages.map((dtype) => embedding(512, dtype)),
  ...[convStep(1), convStep(8), stateUpdate(1), stateUpdate(8)],
  sampler("argmax", (kernel, logits) => kernel.argmax(logits)),
  sampler("sample", (kernel, logits) => kernel.sample(logits, { temperature: 1, uniforms: [0.5] })),
  sampler("sample top-k 40, top-p 0.95", (kernel, logits) =>
    kernel.sample(logits, { temperature: 0.8, topK: 40, topP: 0.95, uniforms: [0.5] }),
  ),
];
