import { binary } from "../elementwise.ts";
import type { Op } from "../op.ts";

export const add: Op<"add"> = (runtime, _sizes, a, b) => binary(runtime, "add", "add", a, b);
