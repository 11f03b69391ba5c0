import type { Shape } from "@mamba/kernel";
import { type Op, selectiveScanForward } from "../referenceOps.ts";
import { fault } from "./fault.ts";

type Forward = Op<"selectiveScanForward">;

/** Keeps a tensor besides the residual: until the residual is disposed, or forever. */
function keeps(shape: (args: Parameters<Forward>[2]) => Shape, forever: boolean): Forward {
  return (arena, sizes, args) => {
    const results = selectiveScanForward(arena, sizes, args);
    const kept = arena.allocate("f32", shape(args));
    const { residual } = results;
    const dispose = residual.dispose.bind(residual);
    residual.dispose = () => {
      dispose();
      if (!forever) kept.dispose();
    };
    return results;
  };
}

export const selectiveScanForwardFaults = [
  fault(
    "selectiveScanForward",
    "scan forward: keeps the states of all positions",
    keeps((args) => [...args.u.shape, ...args.A.shape.slice(1)], false),
    /^laws: a residual of a scan keeps/,
  ),
  fault(
    "selectiveScanForward",
    "scan forward: leaks",
    keeps((args) => args.u.shape, true),
  ),
  fault(
    "selectiveScanForward",
    "scan forward: ignores initialState",
    (arena, sizes, args) => selectiveScanForward(arena, sizes, { ...args, initialState: undefined }),
    /^laws: the forward of a scan /,
  ),
];
