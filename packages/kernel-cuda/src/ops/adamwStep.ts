import { type AdamWParams, type AdamWSlot, checkAdamwStep, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { addressWords, piecesOf, tablesOf } from "./tensorTable.ts";

/** Elements that a block of threads updates. */
const share = 4096;

export function adamwStep(
  runtime: Runtime,
  slots: readonly AdamWSlot[],
  hyper: AdamWParams,
  gradScale?: Tensor,
): void {
  checkAdamwStep(slots, hyper, gradScale);
  const op = "adamwStep";
  runtime.checkOpen(op);
  const scale = runtime.ownIf(op, "gradScale", gradScale);
  // Nothing is updated when one of them is not ours.
  const owned = slots.map((slot, i) => ({
    param: runtime.own(op, `param of slot ${i}`, slot.param),
    rest: [
      runtime.own(op, `grad of slot ${i}`, slot.grad),
      runtime.own(op, `m of slot ${i}`, slot.m),
      runtime.own(op, `v of slot ${i}`, slot.v),
    ],
  }));
  const { step, lr, beta1, beta2, eps, weightDecay } = hyper;
  // In float64, as 1 - 0.999 has few digits left in float32.
  const rate = lr / (1 - beta1 ** step);
  const unbias = 1 / Math.sqrt(1 - beta2 ** step);
  const scalars = [1 - lr * weightDecay, rate, unbias, eps, beta1, beta2, 1 - beta1, 1 - beta2];
  const tables = tablesOf(
    owned.flatMap(({ param, rest }) =>
      piecesOf(param).map(({ start, address, count }) => {
        const others = rest.flatMap((tensor) => addressWords(tensor.address + 4 * start));
        return { blocks: Math.ceil(count / share), words: [...addressWords(address), ...others, count] };
      }),
    ),
  );
  for (const { words, entries, blocks } of tables) {
    runtime.launch(op, op, blocks, 256, [scale, ...scalars, entries, words]);
  }
}
