import type { Op } from "../op.ts";
import { elementwise } from "./elementwise.ts";

export const siluBackward: Op<"siluBackward"> = (runtime, _, dy, x) => {
  return elementwise(runtime, "siluBackward", dy, x, 0);
};
