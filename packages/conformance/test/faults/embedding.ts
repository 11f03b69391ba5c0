import { lastExtent } from "@mamba/kernel";
import type { ArenaTensor } from "../arena.ts";
import { embedding, embeddingBackward } from "../referenceOps.ts";
import { fault } from "./fault.ts";

export const embeddingFaults = [
  fault(
    "embedding",
    "embedding: does not clamp ids",
    (arena, sizes, ids, weight) => {
      const y = embedding(arena, sizes, ids, weight) as ArenaTensor;
      const { features } = sizes;
      // Memory before the table, which may hold anything.
      ids.values().forEach((id, i) => {
        if (id < 0) y.elements.fill(0, i * features, (i + 1) * features);
      });
      return y;
    },
    /^embedding .*clamped/,
  ),
  fault(
    "embeddingBackward",
    "embedding backward: the last of equal ids wins",
    (arena, sizes, dy, ids, vocabSize) => {
      const dWeight = embeddingBackward(arena, sizes, dy, ids, vocabSize) as ArenaTensor;
      const { features } = sizes;
      const g = dy.values();
      ids.values().forEach((id, i) => {
        const row = Math.min(Math.max(id, 0), vocabSize - 1) * features;
        dWeight.elements.set(g.subarray(i * features, (i + 1) * features), row);
      });
      return dWeight;
    },
  ),
  fault(
    "embeddingBackward",
    "embedding backward: drops ids out of range",
    (arena, sizes, dy, ids, vocabSize) => {
      const features = lastExtent(dy.shape);
      const given = ids.values();
      const inside = dy.values().map((value, i) => {
        const id = given[Math.floor(i / features)] ?? 0;
        return id >= 0 && id < vocabSize ? value : 0;
      });
      using kept = arena.result(dy.shape, inside);
      return embeddingBackward(arena, sizes, kept, ids, vocabSize);
    },
    /^embeddingBackward .*clamped/,
  ),
];
