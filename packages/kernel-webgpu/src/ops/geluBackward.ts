import type { Op } from "../op.ts";
import { elementwise, elementwiseShader } from "../shared/elementwise.ts";
import { geluDerivative, geluGates } from "../wgsl/gelu.ts";

const shader = (approximate: "none" | "tanh") =>
  elementwiseShader(
    `geluBackward ${approximate}`,
    "a * geluDerivative(b)",
    geluGates[approximate] + geluDerivative,
  );

const shaders = { none: shader("none"), tanh: shader("tanh") };

export const geluBackward: Op<"geluBackward"> = (runtime, _, dy, x, approximate) =>
  elementwise(runtime, "geluBackward", shaders[approximate], dy, { b: x });
