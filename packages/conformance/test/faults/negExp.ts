import { fault } from "./fault.ts";

export const negExpFaults = [
  fault("negExp", "negExp: infinities become the largest number", (arena, _, x) => {
    const values = x.values().map((value) => -Math.exp(Math.min(value, 88)));
    return arena.result(x.shape, values);
  }),
];
