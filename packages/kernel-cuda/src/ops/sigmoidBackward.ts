import { binary } from "../elementwise.ts";
import type { Op } from "../op.ts";

export const sigmoidBackward: Op<"sigmoidBackward"> = (runtime, _sizes, dy, y) =>
  binary(runtime, "sigmoidBackward", "sigmoidBackward", dy, y);
