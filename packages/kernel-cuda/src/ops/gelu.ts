import { unary } from "../elementwise.ts";
import type { Op } from "../op.ts";

export const gelu: Op<"gelu"> = (runtime, _sizes, x, approximate) =>
  unary(runtime, "gelu", approximate === "tanh" ? "geluTanh" : "geluErf", x);
