import { unary } from "../elementwise.ts";
import type { Op } from "../op.ts";

export const dropout: Op<"dropout"> = (runtime, { threshold }, x, probability, seed) =>
  unary(runtime, "dropout", "dropout", x, seed, threshold, 1 / (1 - probability));
