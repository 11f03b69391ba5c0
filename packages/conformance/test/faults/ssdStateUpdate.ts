import type { ArenaTensor } from "../arena.ts";
import { ssdStateUpdate } from "../referenceOps.ts";
import { fault } from "./fault.ts";

export const ssdStateUpdateFaults = [
  fault(
    "ssdStateUpdate",
    "step of heads: a row sees the last row",
    (arena, sizes, state, args) => {
      const y = ssdStateUpdate(arena, sizes, state, args) as ArenaTensor;
      const x = args.x.values();
      // A masked lane: multiplied by zero, but not skipped.
      y.elements.set([(y.elements[0] ?? 0) + 0 * (x[x.length - 1] ?? 0)]);
      return y;
    },
    /^laws: rows of a batch .* ssdStateUpdate/,
  ),
  fault(
    "ssdStateUpdate",
    "step of heads: the state is not advanced",
    (arena, sizes, state, args) => {
      const before = state.dense();
      const y = ssdStateUpdate(arena, sizes, state, args);
      state.elements.set(before);
      return y;
    },
    /^laws: ssdScan of \d+ = \d+ state updates/,
  ),
  fault("ssdStateUpdate", "step of heads: reads the first group alone", (arena, sizes, state, args) => {
    const [B, C] = [arena.columns(args.B, 0, sizes.stateSize), arena.columns(args.C, 0, sizes.stateSize)];
    const y = ssdStateUpdate(arena, { ...sizes, groups: 1 }, state, { ...args, B, C });
    for (const view of [B, C]) view.dispose();
    return y;
  }),
  fault(
    "ssdStateUpdate",
    "step of heads: the result is that of the state before",
    (arena, sizes, state, args) => {
      const x = arena.result(args.x.shape, args.x.values().fill(0));
      const before = arena.result(state.shape, state.values());
      const y = ssdStateUpdate(arena, sizes, before, { ...args, x });
      ssdStateUpdate(arena, sizes, state, args).dispose();
      for (const tensor of [x, before]) tensor.dispose();
      return y;
    },
  ),
];
