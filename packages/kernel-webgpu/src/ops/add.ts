import type { Op } from "../op.ts";
import { elementwise, elementwiseShader } from "../shared/elementwise.ts";

export const addShader = elementwiseShader("add", "a + b");

export const add: Op<"add"> = (runtime, { period }, a, b) =>
  elementwise(runtime, "add", addShader, a, { b, period });
