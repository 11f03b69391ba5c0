import { lastExtent } from "@mamba/kernel";
import { accumulate } from "../referenceOps.ts";
import { fault } from "./fault.ts";

export const accumulateFaults = [
  fault("accumulate", "accumulate: ignores the factor", (arena, sizes, target, x) => {
    accumulate(arena, sizes, target, x);
  }),
  fault("accumulate", "accumulate: overwrites the target", (_, __, target, x, factor = 1) => {
    target.set(Float64Array.from(x.values(), (value) => value * factor));
  }),
  fault(
    "accumulate",
    "accumulate: writes around a view",
    (arena, sizes, target, x, factor) => {
      accumulate(arena, sizes, target, x, factor);
      // To the next multiple of four, like a vector store without a remainder.
      const width = lastExtent(target.shape);
      target.elements.fill(0, width, Math.ceil(width / 4) * 4);
    },
    /^accumulate .* into a view/,
  ),
  fault(
    "accumulate",
    "accumulate: does not count its write",
    (arena, sizes, target, x, factor) => {
      accumulate(arena, sizes, target, x, factor);
      target.storage.version--;
    },
    /^versions: accumulate/,
  ),
];
