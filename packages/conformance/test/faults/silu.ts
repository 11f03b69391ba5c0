import type { ArenaTensor } from "../arena.ts";
import { silu } from "../referenceOps.ts";
import { fault } from "./fault.ts";

export const siluFaults = [
  fault("silu", "silu: changes its input", (arena, sizes, x) => {
    const y = silu(arena, sizes, x);
    x.elements.set([(x.elements[0] ?? 0) + 1]);
    return y;
  }),
  fault(
    "silu",
    "silu: hides NaN",
    (arena, sizes, x) => {
      const y = silu(arena, sizes, x) as ArenaTensor;
      y.elements.set(y.values().map((value) => (Number.isNaN(value) ? 0 : value)));
      return y;
    },
    /^silu .*NaN/,
  ),
  fault("siluBackward", "silu backward: only the sigmoid", (arena, _, dy, x) => {
    const values = x.values();
    const dx = dy.values().map((value, i) => value / (1 + Math.exp(-(values[i] ?? 0))));
    return arena.result(x.shape, dx);
  }),
];
