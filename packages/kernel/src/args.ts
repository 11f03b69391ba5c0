import type { Tensor } from "./tensor.ts";

// Arguments of the ops that take more than a few. B batch, L length, D channels, N state size, W convolution width.
// Layout is channels-last, row-major, everywhere.

/**
 * Depthwise causal convolution along L, optionally followed by SiLU:
 * `y[b,l,d] = act(bias[d] + sum_k weight[d,k] * x[b, l-(W-1)+k, d])`, where inputs before the first come from
 * `initialState` (or are 0).
 */
export interface ConvArgs {
  /** [B, L, D] */
  x: Tensor;
  /** [D, W], W from 2 to 16 */
  weight: Tensor;
  /** [D] */
  bias?: Tensor | undefined;
  activation?: "silu" | undefined;
  /** [B, D, W-1]: the inputs before `x`, oldest first. */
  initialState?: Tensor | undefined;
  /**
   * i32 [B, 2]: row b is real in [start, end) and padding elsewhere. Padded positions give y = 0 and leave the state
   * untouched, exactly as if the row were that slice alone. Values are clamped to 0 <= start <= end <= L.
   */
  range?: Tensor | undefined;
}

/**
 * Selective scan (Mamba paper, algorithm 2), with everything that surrounds it fused:
 * ```
 * dt = deltaSoftplus ? softplus(delta + deltaBias) : delta + deltaBias          softplus(x) = x for x > 20
 * h[l] = exp(dt[l] * A) * h[l-1] + dt[l] * B[l] * u[l]                          h [B, D, N], h[-1] = initialState or 0
 * y[l] = (sum_n C[l,n] * h[l,n] + D * u[l]) * silu(z[l])
 * ```
 * `delta` is the bare matrix product `dt_proj.weight · dt`: its bias and softplus belong to the scan and nowhere else.
 */
export interface ScanArgs {
  /** [B, L, D] */
  u: Tensor;
  /** [B, L, D] */
  delta: Tensor;
  /** [D, N], negative for a stable system: `-exp(A_log)` */
  A: Tensor;
  /** [B, L, N] */
  B: Tensor;
  /** [B, L, N] */
  C: Tensor;
  /** [D]: the skip connection. */
  D?: Tensor | undefined;
  /** [B, L, D]: the gate, applied as silu(z). */
  z?: Tensor | undefined;
  /** [D] */
  deltaBias?: Tensor | undefined;
  /** Default false. */
  deltaSoftplus?: boolean | undefined;
  /** [B, D, N] */
  initialState?: Tensor | undefined;
  /** See `ConvArgs.range`. */
  range?: Tensor | undefined;
}

/** `selectiveScan` for one token: u, delta, z [B, D]; B, C [B, N]. The state is a separate argument. */
export type StateUpdateArgs = Omit<ScanArgs, "initialState" | "range">;

/** `causalConv1d` for one token: x [B, D]. The state is a separate argument. */
export type ConvStepArgs = Omit<ConvArgs, "initialState" | "range">;

/** How `sample` turns logits into a token. Filters apply in the order of the fields. */
export interface SampleOptions {
  /** Divides the logits; > 0. */
  temperature: number;
  /** Keep the k largest logits, and all that equal the k-th; >= 1. Default: all. */
  topK?: number | undefined;
  /**
   * Keep the smallest set of most probable tokens with a share >= p of the mass that topK left, and all that equal the
   * last; 0 < p <= 1. Default 1.
   */
  topP?: number | undefined;
  /** Keep tokens with probability >= p times the largest; 0 <= p <= 1. Default 0. */
  minP?: number | undefined;
  /** One number in [0, 1) per row: randomness comes from the caller, the op itself is deterministic. */
  uniforms: readonly number[];
}

/** Hyperparameters of one AdamW step (Loshchilov & Hutter 2019, algorithm 2). */
export interface AdamWParams {
  /** 1 for the first step: bias correction is 1 - beta^step. */
  step: number;
  lr: number;
  beta1: number;
  beta2: number;
  eps: number;
  /** Decoupled: `param -= lr * weightDecay * param`. */
  weightDecay: number;
}

/** A parameter with its gradient and moments: four float32 tensors of one shape. */
export interface AdamWSlot {
  param: Tensor;
  grad: Tensor;
  m: Tensor;
  v: Tensor;
}

/** One gradient for each differentiable tensor argument that was given, in its shape, float32. */
export type Grads<T> = {
  [K in keyof T as K extends "range" ? never : NonNullable<T[K]> extends Tensor ? K : never]: T[K];
};
