import { unary } from "../elementwise.ts";
import type { Op } from "../op.ts";

export const log: Op<"log"> = (runtime, _sizes, x) => unary(runtime, "log", "logEach", x);
