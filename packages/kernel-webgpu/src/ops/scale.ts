import type { Op } from "../op.ts";
import { elementwise, elementwiseShader } from "../shared/elementwise.ts";

export const scaleShader = elementwiseShader("scale", "a * factor");

export const scale: Op<"scale"> = (runtime, _, x, factor) =>
  elementwise(runtime, "scale", scaleShader, x, { factor });
