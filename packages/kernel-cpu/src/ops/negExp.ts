import type { Op } from "../op.ts";
import { elementwise } from "./elementwise.ts";

export const negExp: Op<"negExp"> = (runtime, _, x) => {
  return elementwise(runtime, "negExp", x, undefined, 0);
};
