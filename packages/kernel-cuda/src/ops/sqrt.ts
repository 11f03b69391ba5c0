import { unary } from "../elementwise.ts";
import type { Op } from "../op.ts";

export const sqrt: Op<"sqrt"> = (runtime, _sizes, x) => unary(runtime, "sqrt", "sqrtEach", x);
