import { selectiveScanForward } from "../referenceOps.ts";
import { fault } from "./fault.ts";
import { keeping } from "./keeping.ts";

export const selectiveScanForwardFaults = [
  fault(
    "selectiveScanForward",
    "scan forward: keeps the states of all positions",
    keeping(selectiveScanForward, (_, args) => [...args.u.shape, ...args.A.shape.slice(1)], false),
    /^laws: a residual of a scan keeps/,
  ),
  fault(
    "selectiveScanForward",
    "scan forward: leaks",
    keeping(selectiveScanForward, (_, args) => args.u.shape, true),
  ),
  fault(
    "selectiveScanForward",
    "scan forward: ignores initialState",
    (arena, sizes, args) => selectiveScanForward(arena, sizes, { ...args, initialState: undefined }),
    /^laws: the forward of a scan /,
  ),
];
