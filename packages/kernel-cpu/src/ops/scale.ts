import type { Op } from "../op.ts";
import { elementwise } from "./elementwise.ts";

export const scale: Op<"scale"> = (runtime, _, x, factor) => {
  return elementwise(runtime, "scale", x, undefined, factor);
};
