import type { Op } from "../op.ts";
import { runBroadcast } from "./elementwise.ts";

export const sub: Op<"sub"> = (runtime, { period }, a, b) => runBroadcast(runtime, "sub", a, b, period, 0.4);
