import type { Op } from "../op.ts";
import { repeatable, repeatableShaders } from "../shared/elementwise.ts";

export const addShaders = repeatableShaders("add", "a + b");

export const add: Op<"add"> = (runtime, _, a, b) => repeatable(runtime, "add", addShaders, a, b);
