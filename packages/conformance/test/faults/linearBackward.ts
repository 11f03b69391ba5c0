import { fromF16, lastExtent, toF16 } from "@mamba/kernel";
import type { ArenaTensor } from "../arena.ts";
import { linearBackwardInput, linearBackwardWeight } from "../referenceOps.ts";
import { fault } from "./fault.ts";

export const linearBackwardFaults = [
  fault(
    "linearBackwardWeight",
    "linear backward: the weight's gradient ignores the stride of a view",
    (arena, sizes, dy, x) => {
      using dense = arena.view(x, x.shape, lastExtent(x.shape), x.offset);
      return linearBackwardWeight(arena, sizes, dy, dense);
    },
    /^linearBackwardWeight .* of views/,
  ),
  fault(
    "linearBackwardInput",
    "linear backward: results only have half precision",
    (arena, sizes, dy, weight) => {
      const dx = linearBackwardInput(arena, sizes, dy, weight) as ArenaTensor;
      dx.elements.set(dx.values().map((value) => fromF16(toF16(value))));
      return dx;
    },
  ),
];
