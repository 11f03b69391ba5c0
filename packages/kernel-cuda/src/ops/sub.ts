import { binary } from "../elementwise.ts";
import type { Op } from "../op.ts";

export const sub: Op<"sub"> = (runtime, _sizes, a, b) => binary(runtime, "sub", "sub", a, b);
