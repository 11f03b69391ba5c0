import type { Op } from "../op.ts";
import { copyDense } from "./copyDense.ts";

export const copyInto: Op<"copyInto"> = (runtime, _, target, source) => {
  copyDense(runtime, target.address, source);
};
