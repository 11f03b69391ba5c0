import { type ScanArgs, Scope, type Tensor } from "@mamba/kernel";
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
export function selectiveScan(run: OpRun, { state, ...rest }: SelectiveScanArgs): Tensor {
  const { u, delta, A, B, C, D, z, deltaBias } = rest;
  const inputs = [u, delta, A, B, C, D, z, deltaBias];
  if (state && isOneToken(run, rest)) return run.result(stateUpdate(run, state, rest), inputs, () => {});
  const args: ScanArgs = { ...rest, initialState: state };
  const recorder = run.recorder(inputs);
  if (recorder === undefined) return run.result(plainScan(run, state, args), inputs, () => {});
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
function stateUpdate({ kernel }: OpRun, state: Tensor, args: Omit<SelectiveScanArgs, "state">): Tensor {
  using scope = new Scope();
  const token = (x: Tensor) => scope.use(oneToken(kernel, x));
  const { A, D, deltaBias, deltaSoftplus, z } = args;
  const y = kernel.selectiveStateUpdate(state, {
    ...{ A, D, deltaBias, deltaSoftplus },
    u: token(args.u),
    delta: token(args.delta),
    B: token(args.B),
    C: token(args.C),
    z: z && token(z),
  });
  return kernel.reshape(scope.use(y), args.u.shape);
}
