import type { Runtime } from "../runtime.ts";
import type { CudaTensor } from "../tensor.ts";

/** Choices and columns of a tile: kSide of tiles.cuh. */
const side = 64;
/** Threads per block of the GPU kernels that compute tiles. */
export const tileThreads = 128;
/** Threads per block of expertIndex. */
const indexBlock = 512;

/** Sizes of a product with the weights of chosen experts. */
export interface ExpertSizes {
  readonly rows: number;
  readonly perToken: number;
  readonly expertCount: number;
  readonly inFeatures: number;
  readonly outFeatures: number;
}

/** The words of ExpertSizes in cuda/expertLinear.cu; `isShared` is true when the choices of a row share a row of `x`. */
export function expertWords(sizes: ExpertSizes, x: CudaTensor, isShared: boolean): Uint32Array {
  const { rows, perToken, expertCount, inFeatures, outFeatures } = sizes;
  const xChoices = isShared ? perToken : 1;
  return Uint32Array.of(rows * perToken, expertCount, inFeatures, outFeatures, x.rowStride, xChoices);
}

/** Records the index of the choices, as in cuda/experts.cuh. The caller disposes it. */
export function expertIndex(
  runtime: Runtime,
  op: string,
  experts: CudaTensor,
  sizes: ExpertSizes,
): CudaTensor {
  const { rows, perToken, expertCount } = sizes;
  const choices = rows * perToken;
  const index = runtime.result(op, [expertCount + 1 + choices], "i32");
  runtime.launch(op, "expertIndex", expertCount, indexBlock, [experts, index, choices, expertCount]);
  return index;
}

/** Tiles that cover an extent. */
export function tilesOf(extent: number): number {
  return Math.ceil(extent / side);
}

/** Tiles of choices of one expert each, enough for any choice. */
export function choiceTiles({ rows, perToken, expertCount }: ExpertSizes): number {
  return Math.floor((rows * perToken) / side) + expertCount;
}
