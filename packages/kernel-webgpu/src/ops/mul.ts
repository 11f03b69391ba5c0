import type { Op } from "../op.ts";
import { elementwise, elementwiseShader } from "../shared/elementwise.ts";

export const mulShader = elementwiseShader("mul", "a * b");

export const mul: Op<"mul"> = (runtime, { period }, a, b) =>
  elementwise(runtime, "mul", mulShader, a, { b, period });
