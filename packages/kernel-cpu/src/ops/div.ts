import type { Op } from "../op.ts";
import { runBroadcast } from "./elementwise.ts";

export const div: Op<"div"> = (runtime, { period }, a, b) => runBroadcast(runtime, "div", a, b, period, 0.5);
