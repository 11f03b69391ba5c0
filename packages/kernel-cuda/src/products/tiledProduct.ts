import type { DType } from "@mamba/kernel";
import type { KernelName } from "../kernels.ts";
import type { Arg } from "../commands.ts";
import type { Runtime } from "../runtime.ts";
import type { CudaTensor } from "../tensor.ts";
import { addPartials } from "../addPartials.ts";
import { tilePlan } from "./tilePlan.ts";

/** A matrix product computed in tiles: its sizes and the arguments of its GPU kernels. */
export interface TiledProduct {
  /** Rows and columns of `result`, and the extent that is summed over. */
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly kernels: Readonly<Record<64 | 128, KernelName>>;
  readonly result: CudaTensor;
  readonly bias?: CudaTensor | undefined;
  /** Arguments of the GPU kernel that writes to `target`, without the last one, the depth of a chunk. */
  readonly args: (target: CudaTensor, bias: CudaTensor | undefined) => readonly Arg[];
}

/** Records a product with our own GPU kernels. */
export function tiledProduct(runtime: Runtime, op: string, product: TiledProduct): void {
  const { m, n, k, kernels, result, bias, args } = product;
  const { tile, threads, grid, chunks, chunkDepth } = tilePlan(m, n, k);
  const target = chunks > 1 ? runtime.result(op, [chunks, m, n]) : result;
  runtime.launch(op, kernels[tile], grid, threads, [...args(target, bias), chunkDepth]);
  if (target === result) return;
  addPartials(runtime, op, target, result, { count: m * n, chunks }, bias);
  target.dispose();
}

/** True when cuBLAS computes a product of these extents and strides: it is loaded, the weight is f32, and 32 bits count them. */
export function usesBlas(runtime: Runtime, dtype: DType, ...extents: number[]): boolean {
  return dtype === "f32" && extents.every((extent) => extent < 2 ** 31) && runtime.blas !== undefined;
}
