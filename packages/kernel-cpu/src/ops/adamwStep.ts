import { type AdamWParams, type AdamWSlot, checkAdamwStep, type Tensor } from "@mamba/kernel";
import { lineBytes } from "../allocator.ts";
import type { Runtime } from "../runtime.ts";
import { tensorTable } from "./tensorTable.ts";

export function adamwStep(
  runtime: Runtime,
  slots: readonly AdamWSlot[],
  hyper: AdamWParams,
  gradScale?: Tensor,
): void {
  checkAdamwStep(slots, hyper, gradScale);
  const op = "adamwStep";
  runtime.checkOpen(op);
  const { args, floatArgs, heap } = runtime;
  const { table, units } = tensorTable(
    slots.map(({ param, grad, m, v }, i) => ({
      tensor: param,
      addresses: [
        runtime.at(op, `grad of slot ${i}`, grad),
        runtime.at(op, `param of slot ${i}`, param),
        runtime.at(op, `m of slot ${i}`, m),
        runtime.at(op, `v of slot ${i}`, v),
      ],
    })),
  );
  const scaleAt = runtime.at(op, "gradScale", gradScale);
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
}
