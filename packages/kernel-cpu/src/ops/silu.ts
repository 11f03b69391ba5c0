import type { Op } from "../op.ts";
import { elementwise } from "./elementwise.ts";

export const silu: Op<"silu"> = (runtime, _, x) => {
  return elementwise(runtime, "silu", x, undefined, 0);
};
