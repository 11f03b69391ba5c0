import type { Op } from "../op.ts";
import { elementwise } from "./elementwise.ts";

export const mul: Op<"mul"> = (runtime, _, a, b) => {
  return elementwise(runtime, "mul", a, b, 0);
};
