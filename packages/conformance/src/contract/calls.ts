import type { DType, InferenceOps, Kernel, KernelOp, Shape, Tensor } from "@mamba/kernel";

/** The smallest valid call of an op: what the argument tests break, one argument at a time. */
export interface MinimalCall {
  readonly op: KernelOp;
  /** True for the ops that only a `TrainingKernel` has. */
  readonly training: boolean;
  readonly args: Readonly<Record<string, { readonly shape: Shape; readonly dtype: DType }>>;
  /** Arguments that must be dense. */
  readonly dense: readonly string[];
  /** Makes what the call needs of another op, from valid arguments. */
  prepare?(kernel: Kernel): Disposable;
  /** Calls the op: its new tensors. */
  call(kernel: Kernel, tensors: Readonly<Record<string, Tensor>>, prepared?: Disposable): readonly Tensor[];
}

export const [B, L, D, N, W] = [2, 4, 3, 5, 4];

/** Shapes that several ops take. */
export const shapes = {
  x: { shape: [B, L, D], dtype: "f32" },
  row: { shape: [B, D], dtype: "f32" },
  channels: { shape: [D], dtype: "f32" },
  range: { shape: [B, 2], dtype: "i32" },
  logits: { shape: [B, 7], dtype: "f32" },
} as const;

function define<K extends string>(
  op: keyof InferenceOps,
  args: Readonly<Record<K, { shape: Shape; dtype: DType }>>,
  dense: readonly NoInfer<K>[],
  call: (kernel: Kernel, tensors: Readonly<Record<K, Tensor>>) => readonly Tensor[],
): MinimalCall {
  return { op, training: false, args, dense, call };
}

const parameterArgs = {
  A: { shape: [D, N], dtype: "f32" },
  D: shapes.channels,
  deltaBias: shapes.channels,
} as const;

export const convArgs = {
  x: shapes.x,
  weight: { shape: [D, W], dtype: "f32" },
  bias: shapes.channels,
  initialState: { shape: [B, D, W - 1], dtype: "f32" },
  range: shapes.range,
} as const;

export const scanArgs = {
  u: shapes.x,
  delta: shapes.x,
  ...parameterArgs,
  B: { shape: [B, L, N], dtype: "f32" },
  C: { shape: [B, L, N], dtype: "f32" },
  z: shapes.x,
  initialState: { shape: [B, D, N], dtype: "f32" },
  range: shapes.range,
} as const;

export const minimalCalls: readonly MinimalCall[] = [
  define("add", { a: shapes.x, b: shapes.x }, [], (k, t) => [k.add(t.a, t.b)]),
  define("mul", { a: shapes.x, b: shapes.x }, [], (k, t) => [k.mul(t.a, t.b)]),
  define("scale", { x: shapes.x }, [], (k, t) => [k.scale(t.x, 2)]),
  define("silu", { x: shapes.x }, [], (k, t) => [k.silu(t.x)]),
  define("negExp", { x: shapes.x }, [], (k, t) => [k.negExp(t.x)]),
  define("flip", { x: shapes.x }, [], (k, t) => [k.flip(t.x)]),
  define(
    "linear",
    { x: shapes.x, weight: { shape: [6, D], dtype: "f32" }, bias: { shape: [6], dtype: "f32" } },
    ["weight"],
    (k, t) => [k.linear(t.x, t.weight, t.bias)],
  ),
  define("rmsNorm", { x: shapes.x, weight: shapes.channels }, [], (k, t) => [k.rmsNorm(t.x, t.weight, 1e-5)]),
  define(
    "embedding",
    { ids: { shape: [B, L], dtype: "i32" }, weight: { shape: [7, D], dtype: "f32" } },
    ["ids", "weight"],
    (k, t) => [k.embedding(t.ids, t.weight)],
  ),
  define("causalConv1d", convArgs, ["weight", "initialState", "range"], (k, t) => {
    const { y, finalState } = k.causalConv1d(t, { finalState: true });
    return [y, finalState];
  }),
  define(
    "causalConv1dStep",
    {
      x: shapes.row,
      weight: { shape: [D, W], dtype: "f32" },
      bias: shapes.channels,
      state: { shape: [B, D, W - 1], dtype: "f32" },
    },
    ["weight", "state"],
    (k, { state, ...args }) => [k.causalConv1dStep(state, args)],
  ),
  define("selectiveScan", scanArgs, ["A", "initialState", "range"], (k, t) => {
    const { y, finalState } = k.selectiveScan(t, { finalState: true });
    return [y, finalState];
  }),
  define(
    "selectiveStateUpdate",
    {
      u: shapes.row,
      delta: shapes.row,
      ...parameterArgs,
      B: { shape: [B, N], dtype: "f32" },
      C: { shape: [B, N], dtype: "f32" },
      z: shapes.row,
      state: { shape: [B, D, N], dtype: "f32" },
    },
    ["A", "state"],
    (k, { state, ...args }) => [k.selectiveStateUpdate(state, args)],
  ),
  define("argmax", { logits: shapes.logits }, [], (k, t) => [k.argmax(t.logits)]),
  define("sample", { logits: shapes.logits }, [], (k, t) => [
    k.sample(t.logits, { temperature: 1, uniforms: [0.25, 0.75] }),
  ]),
  define(
    "repetitionPenalty",
    { logits: shapes.logits, ids: { shape: [B, 3], dtype: "i32" } },
    ["ids"],
    (k, t) => [k.repetitionPenalty(t.logits, t.ids, 1.5)],
  ),
];
