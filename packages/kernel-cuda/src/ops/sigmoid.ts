import { unary } from "../elementwise.ts";
import type { Op } from "../op.ts";

export const sigmoid: Op<"sigmoid"> = (runtime, _sizes, x) => unary(runtime, "sigmoid", "sigmoid", x);
