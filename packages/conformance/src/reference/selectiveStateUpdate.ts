import type { Values } from "./math.ts";
import { selectiveScan, type ScanValues } from "./selectiveScan.ts";

/** One token, u [B, D]: the scan over a sequence of length 1, with the state before and after it. */
export function selectiveStateUpdate(
  batch: number,
  channels: number,
  stateSize: number,
  state: Values,
  args: Omit<ScanValues, "initialState" | "range">,
): { y: Float64Array; state: Float64Array } {
  const { y, finalState } = selectiveScan(batch, 1, channels, stateSize, { ...args, initialState: state });
  return { y, state: finalState };
}
