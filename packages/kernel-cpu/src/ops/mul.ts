import type { Op } from "../op.ts";
import { runBroadcast } from "./elementwise.ts";

export const mul: Op<"mul"> = (runtime, { period }, a, b) => runBroadcast(runtime, "mul", a, b, period, 0.4);
