import type { Op } from "../op.ts";
import { elementwise, elementwiseShader } from "../shared/elementwise.ts";

const divShader = elementwiseShader("div", "a / b");

export const div: Op<"div"> = (runtime, { period }, a, b) =>
  elementwise(runtime, "div", divShader, a, { b, period });
