import { writeArray } from "../memory/hostArrays.ts";
import type { Op } from "../op.ts";

export const write: Op<"write"> = (runtime, _, target, start, data) => {
  if (data.length > 0) writeArray(runtime, target, start, data);
};
