import type { Op } from "../op.ts";
import { repeatable, repeatableShaders } from "../shared/elementwise.ts";

const subShaders = repeatableShaders("sub", "a - b");

export const sub: Op<"sub"> = (runtime, _, a, b) => repeatable(runtime, "sub", subShaders, a, b);
