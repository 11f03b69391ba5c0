import type { Op } from "../op.ts";
import { addressWords, chunksOf, tablesOf } from "../tensorTable.ts";

/** Elements that one block of threads updates. */
const blockElements = 4096;

export const adamwStep: Op<"adamwStep"> = (runtime, _sizes, slots, hyper, gradScale) => {
  const op = "adamwStep";
  const { step, lr, beta1, beta2, eps, weightDecay } = hyper;
  // In float64: 1 - 0.999 has few correct digits in float32.
  const rate = lr / (1 - beta1 ** step);
  const unbias = 1 / Math.sqrt(1 - beta2 ** step);
  const scalars = [1 - lr * weightDecay, rate, unbias, eps, beta1, beta2, 1 - beta1, 1 - beta2];
  const tables = tablesOf(
    slots.flatMap(({ param, grad, m, v }) =>
      chunksOf(param).map(({ start, address, count }) => {
        const others = [grad, m, v].flatMap((tensor) => addressWords(tensor.address + 4 * start));
        const blocks = Math.ceil(count / blockElements);
        return { blocks, words: [...addressWords(address), ...others, count] };
      }),
    ),
  );
  for (const { words, entries, blocks } of tables) {
    runtime.launch(op, op, blocks, 256, [gradScale, ...scalars, entries, words]);
  }
};
