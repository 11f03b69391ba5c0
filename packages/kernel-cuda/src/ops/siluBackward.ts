import { binary } from "../elementwise.ts";
import type { Op } from "../op.ts";

export const siluBackward: Op<"siluBackward"> = (runtime, _sizes, dy, x) =>
  binary(runtime, "siluBackward", "siluBackward", dy, x);
