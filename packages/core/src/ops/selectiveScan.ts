import type { ScanArgs, Tensor } from "@mamba/kernel";
import { isOneToken } from "./run/isOneToken.ts";
import type { OpRun } from "./run/opRun.ts";

export type SelectiveScanArgs = Omit<ScanArgs, "initialState"> & {
  /** [B, D, N], the state h before the first position. Advanced in place to that after the last one. */
  state?: Tensor | undefined;
};

/**
 * Selective scan over u [B, L, D] (Mamba paper, algorithm 2); see `ScanArgs` for the formula. With a state and one position
 * it runs the one-token kernel op. No gradient flows into the state.
 */
export function selectiveScan(run: OpRun, options: SelectiveScanArgs): Tensor {
  const { u, delta, A, B, C, D, z, deltaBias, deltaSoftplus, sequenceIds, state } = options;
  if (state && isOneToken(run, u, sequenceIds)) {
    const args = { u, delta, A, B, C, D, z, deltaBias, deltaSoftplus };
    return run.hold(run.kernel.selectiveStateUpdate(state, args));
  }
  const inputs = [u, delta, A, B, C, D, z, deltaBias];
  const args: ScanArgs = {
    u,
    delta,
    A,
    B,
    C,
    D,
    z,
    deltaBias,
    deltaSoftplus,
    sequenceIds,
    initialState: state,
  };
  const recorder = run.recorder(inputs);
  if (recorder === undefined) return run.hold(plainScan(run, state, args));
  const { y, finalState, residual } = recorder.selectiveScanForward(args);
  run.hold(residual);
  if (state) run.advance(state, finalState);
  else finalState.dispose();
  return run.result(y, inputs, (dy, sink) => {
    const gradients = sink.kernel.selectiveScanBackward(dy, args, residual);
    residual.dispose();
    sink.addAll(args, gradients);
  });
}

function plainScan(run: OpRun, state: Tensor | undefined, args: ScanArgs): Tensor {
  if (state === undefined) return run.kernel.selectiveScan(args).y;
  const { y, finalState } = run.kernel.selectiveScan(args, { finalState: true });
  run.advance(state, finalState);
  return y;
}
