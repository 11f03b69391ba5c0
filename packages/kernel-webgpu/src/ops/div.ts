import type { Op } from "../op.ts";
import { repeatable, repeatableShaders } from "../shared/elementwise.ts";

const divShaders = repeatableShaders("div", "a / b");

export const div: Op<"div"> = (runtime, _, a, b) => repeatable(runtime, "div", divShaders, a, b);
