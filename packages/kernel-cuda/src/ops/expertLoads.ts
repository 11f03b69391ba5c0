import type { Op } from "../op.ts";

export const expertLoads: Op<"expertLoads"> = (runtime, { rows, perToken, expertCount }, experts) => {
  const op = "expertLoads";
  const loads = runtime.result(op, [expertCount]);
  runtime.launch(op, op, expertCount, 256, [experts, loads, rows * perToken, expertCount]);
  return loads;
};
