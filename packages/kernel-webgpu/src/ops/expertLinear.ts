import type { WeightDType } from "@mamba/kernel";
import { expertOrder } from "../experts/expertOrder.ts";
import { expertGemv } from "../experts/gemvShader.ts";
import { expertTilesShader } from "../experts/tileShaders.ts";
import { rowChunks } from "../memory/chunks.ts";
import type { Op } from "../op.ts";
import { areAligned } from "../products/product.ts";
import { storedBytes } from "../quantized/layouts.ts";
import { weightKindOf } from "../wgsl/weights.ts";

/** Rows from which on a GPU the choices are sorted by expert. Fewer rows rarely share an expert. */
const minTileRows = 9;

/**
 * y[r, j] = weight[experts[r, j]] · x[r, j], one by one for few rows, and in tiles of choices of one expert for many. A weight too
 * large for one binding is processed in chunks of its rows.
 */
export const expertLinear: Op<"expertLinear"> = (runtime, sizes, { x, weight, experts }) => {
  const op = "expertLinear";
  const { traits } = runtime;
  const { rows, perToken, expertCount, inFeatures, outFeatures, shared } = sizes;
  const y = runtime.result(op, [rows, perToken, outFeatures]);
  const choices = rows * perToken;
  const kind = weightKindOf(weight.dtype as WeightDType, traits);
  const choicesPerRow = shared ? perToken : 1;
  const both = { choices, expertCount, choicesPerRow };
  // The tiles sum in the order of the terms, but other shaders for single rows do not.
  const isTiled =
    traits.parallel && !traits.batchInvariant && rows >= minTileRows && choices >= 2 * expertCount;
  const order = isTiled ? expertOrder(runtime, op, experts, choices, expertCount) : undefined;
  for (const chunk of rowChunks(runtime, weight)) {
    const part = { first: chunk.first, rows: chunk.rows };
    if (order) {
      const columnTiles = Math.ceil(outFeatures / 64);
      const tiles = Math.min(choices, Math.ceil(choices / 64) + expertCount) * columnTiles;
      const params = { ...both, ...part, inFeatures, outFeatures, columnTiles };
      runtime.run(op, expertTilesShader(kind), { x, weight: chunk, order, y }, params, tiles);
    } else {
      const { shader, outputs } = expertGemv(traits, kind, areAligned(x, weight));
      const params = { ...both, ...part, columns: outFeatures, depth: inFeatures };
      const bytesRead = Math.min(choices, expertCount) * storedBytes(weight.dtype, [outFeatures, inFeatures]);
      const groups = choices * Math.ceil(outFeatures / outputs);
      runtime.run(op, shader, { x, weight: { ...chunk, bytesRead }, experts, y }, params, groups);
    }
  }
  order?.dispose();
  return y;
};
