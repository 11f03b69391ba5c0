import type { Op } from "../op.ts";
import { elementwiseRecord } from "./elementwise.ts";

export const dropout: Op<"dropout"> = (runtime, { count, threshold }, x, probability, seed) => {
  const y = runtime.result("dropout", x.shape);
  const elementwiseArgs = elementwiseRecord({ a: x, y, factor: 1 / (1 - probability) });
  runtime.run("dropout", { elementwiseArgs, seed, threshold }, 0.8 * count);
  return y;
};
