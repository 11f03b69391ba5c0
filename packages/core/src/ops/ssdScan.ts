import type { SsdArgs, Tensor } from "@mamba/kernel";
import { isOneToken } from "./run/isOneToken.ts";
import type { OpRun } from "./run/opRun.ts";

export type SsdScanArgs = Omit<SsdArgs, "initialState"> & {
  /** [B, H, P, N], the state before the first position. Advanced in place to that after the last one. */
  state?: Tensor | undefined;
};

/**
 * The scan of Mamba-2 (state-space duality, Dao & Gu 2024) over x [B, L, H·P] -> [B, L, H·P]; see `SsdArgs` for the formula. With
 * a state and one position it runs the one-token kernel op. No gradient flows into the state.
 */
export function ssdScan(run: OpRun, options: SsdScanArgs): Tensor {
  const { state, ...rest } = options;
  const { x, B, C, logDecay, weight, D, heads, groups, sequenceIds } = rest;
  if (state && isOneToken(run, x, sequenceIds)) {
    const args = { x, B, C, logDecay, weight, D, heads, groups };
    return run.hold(run.kernel.ssdStateUpdate(state, args));
  }
  const inputs = [x, B, C, logDecay, weight, D];
  const args: SsdArgs = { ...rest, initialState: state };
  const recorder = run.recorder(inputs);
  if (recorder === undefined) return run.hold(plainScan(run, state, args));
  const { y, finalState, residual } = recorder.ssdScanForward(args);
  run.hold(residual);
  if (state) run.advance(state, finalState);
  else finalState.dispose();
  return run.result(y, inputs, (dy, sink) => {
    const gradients = sink.kernel.ssdScanBackward(dy, args, residual);
    residual.dispose();
    sink.addAll(args, gradients);
  });
}

function plainScan(run: OpRun, state: Tensor | undefined, args: SsdArgs): Tensor {
  if (state === undefined) return run.kernel.ssdScan(args).y;
  const { y, finalState } = run.kernel.ssdScan(args, { finalState: true });
  run.advance(state, finalState);
  return y;
}
