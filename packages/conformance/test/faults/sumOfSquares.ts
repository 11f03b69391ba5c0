import type { ArenaTensor } from "../arena.ts";
import { sumOfSquares } from "../referenceOps.ts";
import { fault } from "./fault.ts";

export const sumOfSquaresFaults = [
  fault("sumOfSquares", "sumOfSquares: only the first tensor", (arena, sizes, tensors) =>
    sumOfSquares(arena, sizes, tensors.slice(0, 1)),
  ),
  fault("sumOfSquares", "sumOfSquares: takes the root", (arena, sizes, tensors) => {
    const sum = sumOfSquares(arena, sizes, tensors) as ArenaTensor;
    sum.elements.set(sum.values().map(Math.sqrt));
    return sum;
  }),
];
