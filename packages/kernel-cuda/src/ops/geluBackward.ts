import { binary } from "../elementwise.ts";
import type { Op } from "../op.ts";

export const geluBackward: Op<"geluBackward"> = (runtime, _sizes, dy, x, approximate) =>
  binary(runtime, "geluBackward", approximate === "tanh" ? "geluTanhBackward" : "geluErfBackward", dy, x);
