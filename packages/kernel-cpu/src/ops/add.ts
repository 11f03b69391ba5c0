import type { Op } from "../op.ts";
import { elementwise } from "./elementwise.ts";

export const add: Op<"add"> = (runtime, _, a, b) => {
  return elementwise(runtime, "add", a, b, 0);
};
