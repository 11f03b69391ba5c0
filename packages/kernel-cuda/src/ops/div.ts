import { binary } from "../elementwise.ts";
import type { Op } from "../op.ts";

export const div: Op<"div"> = (runtime, _sizes, a, b) => binary(runtime, "div", "divEach", a, b);
