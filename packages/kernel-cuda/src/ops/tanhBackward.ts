import { binary } from "../elementwise.ts";
import type { Op } from "../op.ts";

export const tanhBackward: Op<"tanhBackward"> = (runtime, _sizes, dy, y) =>
  binary(runtime, "tanhBackward", "tanhBackward", dy, y);
