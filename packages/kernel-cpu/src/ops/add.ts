import type { Op } from "../op.ts";
import { runBroadcast } from "./elementwise.ts";

export const add: Op<"add"> = (runtime, { period }, a, b) => runBroadcast(runtime, "add", a, b, period, 0.4);
