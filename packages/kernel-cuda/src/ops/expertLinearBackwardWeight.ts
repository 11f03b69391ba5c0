import { expertIndex, expertWords, tilesOf, tileThreads } from "../experts/choices.ts";
import type { Op } from "../op.ts";

export const expertLinearBackwardWeight: Op<"expertLinearBackwardWeight"> = (
  runtime,
  { shared, ...sizes },
  dy,
  x,
  experts,
) => {
  const op = "expertLinearBackwardWeight";
  const { expertCount, inFeatures, outFeatures } = sizes;
  const dWeight = runtime.result(op, [expertCount, outFeatures, inFeatures]);
  using index = expertIndex(runtime, op, experts, sizes);
  const blocks = expertCount * tilesOf(outFeatures) * tilesOf(inFeatures);
  const args = [dy, x, index, dWeight, expertWords(sizes, x, shared), dy.rowStride];
  runtime.launch(op, "expertBackwardWeight", blocks, tileThreads, args);
  return dWeight;
};
