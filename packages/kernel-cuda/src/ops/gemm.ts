import type { FloatDType } from "@mamba/kernel";
import type { KernelName } from "../kernels.ts";
import type { Arg } from "../commands.ts";
import type { Runtime } from "../runtime.ts";
import type { CudaTensor } from "../tensor.ts";
import { addPartials } from "./addPartials.ts";
import { gemmPlan } from "./gemmPlan.ts";

/** A product of matrices by tiles: its sizes and what its kernels take. */
export interface TiledProduct {
  /** Rows and columns of `result`, and the extent that is summed over. */
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly kernels: Readonly<Record<64 | 128, KernelName>>;
  readonly result: CudaTensor;
  readonly bias?: CudaTensor | undefined;
  /** Arguments of the kernel that writes to `target`, but for the depth of a share, which is the last. */
  readonly args: (target: CudaTensor, bias: CudaTensor | undefined) => readonly Arg[];
}

/** Computes a product with our own kernels. */
export function tiledProduct(runtime: Runtime, op: string, product: TiledProduct): void {
  const { m, n, k, kernels, result, bias, args } = product;
  const { tile, threads, grid, shares, share } = gemmPlan(m, n, k);
  const target = shares > 1 ? runtime.result(op, [shares, m, n]) : result;
  runtime.launch(op, kernels[tile], grid, threads, [...args(target, bias), share]);
  if (target === result) return;
  addPartials(runtime, op, target, result, { count: m * n, shares }, bias);
  target.dispose();
}

/** Whether a product of these extents and row distances goes to cuBLAS: f32 there, and numbers that it can count. */
export function byBlas(runtime: Runtime, dtype: FloatDType, ...extents: number[]): boolean {
  return dtype === "f32" && extents.every((extent) => extent < 2 ** 31) && runtime.blas !== undefined;
}
