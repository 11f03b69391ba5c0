import { checkLinear, type FloatDType, type Tensor } from "@mamba/kernel";
import { piecesOf } from "../pieces.ts";
import type { Runtime } from "../runtime.ts";
import type { WebGpuTensor } from "../tensor.ts";
import type { Traits } from "../traits.ts";
import type { WeightKind } from "../wgsl/weights.ts";
import { gemm } from "./linearGemm.ts";
import { gemv, gemvRows } from "./linearGemv.ts";

export function linear(runtime: Runtime, x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const { rows, inFeatures, outFeatures, shape } = checkLinear(x, weight, bias);
  const op = "linear";
  runtime.checkOpen(op);
  const input = runtime.own(op, "x", x);
  const matrix = runtime.own(op, "weight", weight);
  const offsets = runtime.ownIf(op, "bias", bias);
  const y = runtime.result(op, shape);
  const { shader, rowTile, outputTile } = linearShader(
    runtime.traits,
    weight.dtype as FloatDType,
    inFeatures % 4 === 0 && isAligned(input),
    rows,
  );
  const tiles = Math.ceil(rows / rowTile);
  // A table too large for one binding is taken a block of outputs at a time.
  for (const piece of piecesOf(runtime, matrix)) {
    runtime.run(
      op,
      shader,
      { x: input, weight: piece, bias: offsets, y },
      { rows, inFeatures, outFeatures, first: piece.first, outputs: piece.rows, tiles },
      tiles * Math.ceil(piece.rows / outputTile),
    );
  }
  return y;
}

/** The shader for a product of these sizes, and how many rows and outputs a workgroup of it makes. */
export function linearShader(traits: Traits, dtype: FloatDType, four: boolean, rows: number) {
  const kind: WeightKind = dtype === "f16" && traits.f16 ? "native f16" : dtype;
  if (rows <= gemvRows) {
    const { shader, outputs } = gemv(traits, kind, four, rows);
    return { shader, rowTile: rows, outputTile: outputs };
  }
  const { shader, tile } = gemm(traits, kind, four, rows);
  return { shader, rowTile: tile, outputTile: tile };
}

/** Whether every row starts at a multiple of four numbers. */
function isAligned(x: WebGpuTensor): boolean {
  return x.offset % 4 === 0 && x.rowStride % 4 === 0;
}
