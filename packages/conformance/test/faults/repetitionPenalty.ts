import type { ArenaTensor } from "../arena.ts";
import { repetitionPenalty } from "../referenceOps.ts";
import { fault } from "./fault.ts";

export const repetitionPenaltyFaults = [
  fault(
    "repetitionPenalty",
    "repetitionPenalty: once for each repeat",
    (arena, sizes, logits, ids, penalty) => {
      const y = repetitionPenalty(arena, sizes, logits, ids, penalty) as ArenaTensor;
      const { vocabSize: V, idCount: K } = sizes;
      const seen = ids.values();
      const { elements } = y;
      seen.forEach((id, i) => {
        if (id < 0 || id >= V || !seen.subarray(i - (i % K), i).includes(id)) return;
        const at = Math.floor(i / K) * V + id;
        const logit = elements[at] ?? 0;
        elements[at] = logit > 0 ? logit / penalty : logit * penalty;
      });
      return y;
    },
    /^repetitionPenalty .*counts once/,
  ),
];
