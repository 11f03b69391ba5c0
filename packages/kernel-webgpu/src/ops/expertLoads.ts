import { expertCountsShader } from "../experts/groupShaders.ts";
import type { Op } from "../op.ts";

export const expertLoads: Op<"expertLoads"> = (runtime, { rows, perToken, expertCount }, experts) => {
  const op = "expertLoads";
  const loads = runtime.result(op, [expertCount]);
  const params = { choices: rows * perToken, expertCount };
  runtime.run(op, expertCountsShader, { experts, counts: undefined, loads }, params, expertCount);
  return loads;
};
