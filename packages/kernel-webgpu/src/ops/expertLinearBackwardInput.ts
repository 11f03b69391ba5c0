import type { WeightDType } from "@mamba/kernel";
import { expertOrder } from "../experts/expertOrder.ts";
import { expertInputShader } from "../experts/tileShaders.ts";
import { rowChunks } from "../memory/chunks.ts";
import type { Op } from "../op.ts";
import { weightKindOf } from "../wgsl/weights.ts";

/** dx[r, j] = dy[r, j] · weight[experts[r, j]], in tiles of choices of one expert. */
export const expertLinearBackwardInput: Op<"expertLinearBackwardInput"> = (
  runtime,
  { rows, perToken, expertCount, inFeatures, outFeatures },
  dy,
  weight,
  experts,
) => {
  const op = "expertLinearBackwardInput";
  const dx = runtime.result(op, [rows, perToken, inFeatures]);
  const choices = rows * perToken;
  const order = expertOrder(runtime, op, experts, choices, expertCount);
  const columnTiles = Math.ceil(inFeatures / 64);
  const tiles = Math.min(choices, Math.ceil(choices / 64) + expertCount) * columnTiles;
  const shader = expertInputShader(
    weightKindOf(weight.dtype as WeightDType, runtime.traits),
    runtime.traits.parallel,
  );
  for (const chunk of rowChunks(runtime, weight)) {
    const params = {
      ...{ choices, expertCount, inFeatures, outFeatures, choicesPerRow: 1, columnTiles },
      ...{ first: chunk.first, rows: chunk.rows },
    };
    runtime.run(op, shader, { x: dy, weight: chunk, order, y: dx }, params, tiles);
  }
  order.dispose();
  return dx;
};
