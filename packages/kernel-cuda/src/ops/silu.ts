import { unary } from "../elementwise.ts";
import type { Op } from "../op.ts";

export const silu: Op<"silu"> = (runtime, _sizes, x) => unary(runtime, "silu", "silu", x);
