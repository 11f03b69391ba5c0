import { binary } from "../elementwise.ts";
import type { Op } from "../op.ts";

export const reluSquaredBackward: Op<"reluSquaredBackward"> = (runtime, _sizes, dy, x) =>
  binary(runtime, "reluSquaredBackward", "reluSquaredBackward", dy, x);
