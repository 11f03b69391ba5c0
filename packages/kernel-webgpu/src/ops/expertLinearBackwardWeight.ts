import { expertOrder } from "../experts/expertOrder.ts";
import { expertWeightShader } from "../experts/tileShaders.ts";
import { rowChunks } from "../memory/chunks.ts";
import type { Op } from "../op.ts";

/** dWeight[e] = sum of dy ⊗ x over the choices of e. A result too large for one binding is computed in chunks of its rows. */
export const expertLinearBackwardWeight: Op<"expertLinearBackwardWeight"> = (
  runtime,
  { rows, perToken, inFeatures, outFeatures, shared },
  dy,
  x,
  experts,
  expertCount,
) => {
  const op = "expertLinearBackwardWeight";
  const dWeight = runtime.result(op, [expertCount, outFeatures, inFeatures]);
  const choices = rows * perToken;
  const order = expertOrder(runtime, op, experts, choices, expertCount);
  const columnTiles = Math.ceil(inFeatures / 64);
  const rowTiles = Math.ceil(outFeatures / 64);
  for (const chunk of rowChunks(runtime, dWeight)) {
    const firstExpert = Math.floor(chunk.first / outFeatures);
    const lastExpert = Math.floor((chunk.first + chunk.rows - 1) / outFeatures);
    const params = {
      ...{ choices, expertCount, inFeatures, outFeatures, columnTiles, rowTiles, firstExpert },
      ...{ choicesPerRow: shared ? perToken : 1, first: chunk.first, rows: chunk.rows },
    };
    const groups = (lastExpert + 1 - firstExpert) * rowTiles * columnTiles;
    runtime.run(
      op,
      expertWeightShader(runtime.traits.parallel),
      { dy, x, order, dWeight: chunk },
      params,
      groups,
    );
  }
  order.dispose();
  return dWeight;
};
