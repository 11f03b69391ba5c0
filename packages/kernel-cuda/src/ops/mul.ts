import { binary } from "../elementwise.ts";
import type { Op } from "../op.ts";

export const mul: Op<"mul"> = (runtime, _sizes, a, b) => binary(runtime, "mul", "mul", a, b);
