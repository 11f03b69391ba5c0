import { checkLinear, type FloatDType, type Tensor } from "@mamba/kernel";
import { piecesOf } from "../pieces.ts";
import type { Runtime } from "../runtime.ts";
import type { WebGpuTensor } from "../tensor.ts";
import { gemmShaders, gemmTile } from "./linearGemm.ts";
import { gemvOutputs, gemvShaders, gemvRows } from "./linearGemv.ts";

export function linear(runtime: Runtime, x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const { rows, inFeatures, outFeatures, shape } = checkLinear(x, weight, bias);
  const op = "linear";
  runtime.checkOpen(op);
  const input = runtime.own(op, "x", x);
  const matrix = runtime.own(op, "weight", weight);
  const offsets = runtime.ownIf(op, "bias", bias);
  const y = runtime.result(op, shape);
  const dtype = weight.dtype as FloatDType;
  const few = rows <= gemvRows;
  const four = inFeatures % 4 === 0 && isAligned(input);
  const shader = few ? gemvShaders[dtype](four, rows) : gemmShaders[dtype](four);
  // A table too large for one binding is taken a block of outputs at a time.
  for (const piece of piecesOf(runtime, matrix)) {
    const tiles = few ? 1 : Math.ceil(rows / gemmTile);
    const groups = tiles * Math.ceil(piece.rows / (few ? gemvOutputs : gemmTile));
    runtime.run(
      op,
      shader,
      { x: input, weight: piece, bias: offsets, y },
      { rows, inFeatures, outFeatures, first: piece.first, outputs: piece.rows, tiles },
      groups,
    );
  }
  return y;
}

/** Whether every row starts at a multiple of four numbers. */
function isAligned(x: WebGpuTensor): boolean {
  return x.offset % 4 === 0 && x.rowStride % 4 === 0;
}
