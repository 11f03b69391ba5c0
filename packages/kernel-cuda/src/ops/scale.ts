import { unary } from "../elementwise.ts";
import type { Op } from "../op.ts";

export const scale: Op<"scale"> = (runtime, _sizes, x, factor) => unary(runtime, "scale", "scale", x, factor);
