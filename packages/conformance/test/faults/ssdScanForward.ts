import { ssdScanForward } from "../referenceOps.ts";
import { fault } from "./fault.ts";
import { keeping } from "./keeping.ts";

export const ssdScanForwardFaults = [
  fault(
    "ssdScanForward",
    "scan of heads, forward: keeps the states of all positions",
    keeping(
      ssdScanForward,
      ({ batch, length, heads, headDim, stateSize }) => [batch, length, heads, headDim * stateSize],
      false,
    ),
    /^laws: a residual of a ssdScan keeps/,
  ),
  fault(
    "ssdScanForward",
    "scan of heads, forward: leaks",
    keeping(ssdScanForward, ({ batch }) => [batch], true),
  ),
  fault(
    "ssdScanForward",
    "scan of heads, forward: ignores initialState",
    (arena, sizes, args) => ssdScanForward(arena, sizes, { ...args, initialState: undefined }),
    /^laws: the forward of a ssdScan /,
  ),
];
