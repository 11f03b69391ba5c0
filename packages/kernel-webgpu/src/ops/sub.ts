import type { Op } from "../op.ts";
import { elementwise, elementwiseShader } from "../shared/elementwise.ts";

const subShader = elementwiseShader("sub", "a - b");

export const sub: Op<"sub"> = (runtime, { period }, a, b) =>
  elementwise(runtime, "sub", subShader, a, { b, period });
