import type { Op } from "../op.ts";
import { elementwise, elementwiseShader } from "../shared/elementwise.ts";
import { logarithm } from "../wgsl/math.ts";

const logShader = elementwiseShader("log", "logarithm(a)", logarithm);

export const log: Op<"log"> = (runtime, _, x) => elementwise(runtime, "log", logShader, x);
