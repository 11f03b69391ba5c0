import type { Op } from "../op.ts";
import { tensorTable } from "./tensorTable.ts";

export const adamwStep: Op<"adamwStep"> = (runtime, _, slots, hyper, gradScale) => {
  const op = "adamwStep";
  const { step, lr, beta1, beta2, eps, weightDecay } = hyper;
  const { table, units } = tensorTable(slots.map(({ param, grad, m, v }) => ({ x: grad, param, m, v })));
  const memory = runtime.temporary(op, table.byteLength);
  try {
    runtime.heap.writeWords(memory.address, table);
    const record = {
      tensorTable: { table: memory, entries: slots.length, units },
      gradScale,
      keep: 1 - lr * weightDecay,
      stepSize: lr / (1 - beta1 ** step),
      rootScale: 1 / Math.sqrt(1 - beta2 ** step),
      eps,
      beta1,
      beta2,
      oneMinusBeta1: 1 - beta1,
      oneMinusBeta2: 1 - beta2,
    };
    runtime.run(op, record, 20_000 * units);
  } finally {
    runtime.heap.free(memory);
  }
};
