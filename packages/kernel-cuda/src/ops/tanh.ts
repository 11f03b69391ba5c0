import { unary } from "../elementwise.ts";
import type { Op } from "../op.ts";

export const tanh: Op<"tanh"> = (runtime, _sizes, x) => unary(runtime, "tanh", "tanhEach", x);
