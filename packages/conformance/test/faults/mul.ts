import { mul } from "../referenceOps.ts";
import { fault } from "./fault.ts";

export const mulFaults = [
  fault("mul", "mul leaks a tensor", (arena, sizes, a, b) => {
    arena.result([1], [0]);
    return mul(arena, sizes, a, b);
  }),
];
