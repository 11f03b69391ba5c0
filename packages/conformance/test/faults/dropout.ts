import { dropoutKeeps } from "@mamba/kernel/author";
import { dropout } from "../referenceOps.ts";
import { fault } from "./fault.ts";

export const dropoutFaults = [
  fault("dropout", "dropout: does not scale", (arena, _, x, probability, seed) =>
    arena.result(
      x.shape,
      x.values().map((value, i) => (dropoutKeeps(i, probability, seed) ? value : 0)),
    ),
  ),
  fault("dropout", "dropout: the index in memory", (arena, _, x, probability, seed) => {
    const features = x.shape.at(-1) ?? 1;
    const y = x.values().map((value, i) => {
      const at = Math.floor(i / features) * x.rowStride + (i % features);
      return dropoutKeeps(at, probability, seed) ? value / (1 - probability) : 0;
    });
    return arena.result(x.shape, y);
  }),
  fault("dropout", "dropout: the seed is signed and cut", (arena, sizes, x, probability, seed) =>
    dropout(arena, sizes, x, probability, seed & 0x7fffffff),
  ),
  fault("dropout", "dropout: multiplies by the mask", (arena, _, x, probability, seed) =>
    arena.result(
      x.shape,
      x
        .values()
        .map((value, i) => (value * (dropoutKeeps(i, probability, seed) ? 1 : 0)) / (1 - probability)),
    ),
  ),
];
