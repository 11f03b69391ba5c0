import { unary } from "../elementwise.ts";
import type { Op } from "../op.ts";

export const negExp: Op<"negExp"> = (runtime, _sizes, x) => unary(runtime, "negExp", "negExp", x);
