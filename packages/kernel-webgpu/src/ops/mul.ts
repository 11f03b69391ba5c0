import type { Op } from "../op.ts";
import { repeatable, repeatableShaders } from "../shared/elementwise.ts";

export const mulShaders = repeatableShaders("mul", "a * b");

export const mul: Op<"mul"> = (runtime, _, a, b) => repeatable(runtime, "mul", mulShaders, a, b);
