import { flip } from "../referenceOps.ts";
import { fault } from "./fault.ts";

export const flipFaults = [
  fault("flip", "flip: flips the batch too", (arena, { batch, length, channels }, x) =>
    flip(arena, { batch: 1, length: batch * length, channels }, x),
  ),
];
