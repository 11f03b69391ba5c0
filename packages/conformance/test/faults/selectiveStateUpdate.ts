import { elementCount } from "@mamba/kernel";
import type { ArenaTensor } from "../arena.ts";
import { selectiveStateUpdate } from "../referenceOps.ts";
import { fault } from "./fault.ts";

export const selectiveStateUpdateFaults = [
  fault(
    "selectiveStateUpdate",
    "step: a row sees the last row",
    (arena, sizes, state, args) => {
      const y = selectiveStateUpdate(arena, sizes, state, args) as ArenaTensor;
      const u = args.u.values();
      // A masked lane: multiplied by zero, but not skipped.
      y.elements.set([(y.elements[0] ?? 0) + 0 * (u[u.length - 1] ?? 0)]);
      return y;
    },
    /^laws: rows of a batch .* selectiveStateUpdate/,
  ),
  fault(
    "selectiveStateUpdate",
    "step: the state is not advanced",
    (arena, sizes, state, args) => {
      const before = state.dense();
      const y = selectiveStateUpdate(arena, sizes, state, args);
      state.elements.set(before);
      return y;
    },
    /^laws: scan of \d+ = \d+ state updates/,
  ),
  fault("selectiveStateUpdate", "step: writes past its state", (arena, sizes, state, args) => {
    const y = selectiveStateUpdate(arena, sizes, state, args);
    // At the next multiple of four, like a vector store without a remainder.
    state.elements.set([0], Math.ceil(elementCount(state.shape) / 4) * 4);
    return y;
  }),
];
