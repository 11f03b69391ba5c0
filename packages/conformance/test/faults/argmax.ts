import type { ArenaTensor } from "../arena.ts";
import { argmax } from "../referenceOps.ts";
import { fault } from "./fault.ts";

export const argmaxFaults = [
  fault(
    "argmax",
    "argmax: the last of ties",
    (arena, sizes, logits) => {
      const ids = argmax(arena, sizes, logits) as ArenaTensor;
      const { vocabSize: V } = sizes;
      const last = ids.values().map((id, b) => {
        const row = logits.values().subarray(b * V, (b + 1) * V);
        const at = row.lastIndexOf(row[id] ?? NaN);
        return at >= 0 ? at : id;
      });
      ids.elements.set(last);
      return ids;
    },
    /^argmax .*ties/,
  ),
  fault(
    "argmax",
    "argmax: skips NaN",
    (arena, sizes, logits) => {
      const numbers = logits.values().map((x) => (Number.isNaN(x) ? -Infinity : x));
      using clean = arena.result(logits.shape, numbers);
      return argmax(arena, sizes, clean);
    },
    /^argmax .*NaN/,
  ),
];
