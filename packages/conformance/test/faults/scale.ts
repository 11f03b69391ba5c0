import { scale } from "../referenceOps.ts";
import { fault } from "./fault.ts";

export const scaleFaults = [
  fault("scale", "scale: ignores the factor", (arena, sizes, x) => scale(arena, sizes, x, 1)),
];
