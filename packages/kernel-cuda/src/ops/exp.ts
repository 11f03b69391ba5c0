import { unary } from "../elementwise.ts";
import type { Op } from "../op.ts";

export const exp: Op<"exp"> = (runtime, _sizes, x) => unary(runtime, "exp", "expEach", x);
