import type { ScanArgs, Tensor } from "@mamba/kernel";
import { isOneToken, oneToken } from "./run/oneToken.ts";
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
  const { u, state, sequenceIds } = options;
  if (state && isOneToken(run, u, sequenceIds)) return stateUpdate(run, state, options);
  const { delta, A, B, C, D, z, deltaBias, deltaSoftplus } = options;
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

/** One token: u, delta and z are [B, 1, D], B and C [B, 1, N]. */
function stateUpdate(run: OpRun, state: Tensor, args: SelectiveScanArgs): Tensor {
  const { A, D, z, deltaBias, deltaSoftplus } = args;
  const y = run.kernel.selectiveStateUpdate(state, {
    u: oneToken(run, args.u),
    delta: oneToken(run, args.delta),
    A,
    B: oneToken(run, args.B),
    C: oneToken(run, args.C),
    D,
    z: z && oneToken(run, z),
    deltaBias,
    deltaSoftplus,
  });
  return run.hold(run.kernel.reshape(run.hold(y), args.u.shape));
}
