import type { Shape } from "@mamba/kernel";
import { type Op, ssdScanForward } from "../referenceOps.ts";
import { fault } from "./fault.ts";

type Forward = Op<"ssdScanForward">;

/** Keeps a tensor besides the residual: until the residual is disposed, or forever. */
function keeps(shape: (sizes: Parameters<Forward>[1]) => Shape, forever: boolean): Forward {
  return (arena, sizes, args) => {
    const results = ssdScanForward(arena, sizes, args);
    const kept = arena.allocate("f32", shape(sizes));
    const { residual } = results;
    const dispose = residual.dispose.bind(residual);
    residual.dispose = () => {
      dispose();
      if (!forever) kept.dispose();
    };
    return results;
  };
}

export const ssdScanForwardFaults = [
  fault(
    "ssdScanForward",
    "scan of heads, forward: keeps the states of all positions",
    keeps(
      ({ batch, length, heads, headDim, stateSize }) => [batch, length, heads, headDim * stateSize],
      false,
    ),
    /^laws: a residual of a ssdScan keeps/,
  ),
  fault(
    "ssdScanForward",
    "scan of heads, forward: leaks",
    keeps(({ batch }) => [batch], true),
  ),
  fault(
    "ssdScanForward",
    "scan of heads, forward: ignores initialState",
    (arena, sizes, args) => ssdScanForward(arena, sizes, { ...args, initialState: undefined }),
    /^laws: the forward of a ssdScan /,
  ),
];
