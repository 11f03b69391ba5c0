import { readExperts } from "../expertPlan.ts";
import type { Op } from "../op.ts";

/** The choices are few, so the host counts them. */
export const expertLoads: Op<"expertLoads"> = (runtime, { expertCount }, experts) => {
  const loads = runtime.result("expertLoads", [expertCount]);
  const ids = readExperts(runtime, experts, expertCount);
  const counts = new Float64Array(expertCount);
  for (const id of ids) counts[id] = (counts[id] ?? 0) + 1;
  runtime.heap.view("f32", loads.address, expertCount).set(counts.map((count) => count / ids.length));
  return loads;
};
