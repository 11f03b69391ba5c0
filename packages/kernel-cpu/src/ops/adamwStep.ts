import type { Op } from "../op.ts";
import { lineBytes } from "../allocator.ts";
import { tensorTable } from "./tensorTable.ts";
import { addressOf } from "../tensor.ts";

export const adamwStep: Op<"adamwStep"> = (runtime, _, slots, hyper, gradScale) => {
  const op = "adamwStep";
  const { args, floatArgs, heap } = runtime;
  const { table, units } = tensorTable(
    slots.map(({ param, grad, m, v }) => ({
      tensor: param,
      addresses: [addressOf(grad), addressOf(param), addressOf(m), addressOf(v)],
    })),
  );
  const scaleAt = addressOf(gradScale);
  const room = runtime.temporary(op, table.byteLength);
  try {
    const { step, lr, beta1, beta2, eps, weightDecay } = hyper;
    args[0] = room.start * lineBytes;
    heap.writeWords(args[0], table);
    args[1] = slots.length;
    args[2] = units;
    args[5] = scaleAt;
    floatArgs[6] = 1 - lr * weightDecay;
    floatArgs[7] = lr / (1 - beta1 ** step);
    floatArgs[8] = 1 / Math.sqrt(1 - beta2 ** step);
    floatArgs[9] = eps;
    floatArgs[10] = beta1;
    floatArgs[11] = beta2;
    floatArgs[12] = 1 - beta1;
    floatArgs[13] = 1 - beta2;
    runtime.run(op, 20_000 * units);
  } finally {
    heap.free(room);
  }
};
