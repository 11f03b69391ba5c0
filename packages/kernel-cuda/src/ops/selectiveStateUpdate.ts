import { checkSelectiveStateUpdate, type StateUpdateArgs, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";

const block = 64;
/** Channels that a block takes: four threads share one. */
const each = block / 4;

export function selectiveStateUpdate(runtime: Runtime, state: Tensor, args: StateUpdateArgs): Tensor {
  const { batch, channels, stateSize } = checkSelectiveStateUpdate(state, args);
  const op = "selectiveStateUpdate";
  runtime.checkOpen(op);
  const tensors = [
    runtime.own(op, "u", args.u),
    runtime.own(op, "delta", args.delta),
    runtime.own(op, "A", args.A),
    runtime.own(op, "B", args.B),
    runtime.own(op, "C", args.C),
    runtime.ownIf(op, "D", args.D),
    runtime.ownIf(op, "z", args.z),
    runtime.ownIf(op, "deltaBias", args.deltaBias),
    runtime.own(op, "state", state),
  ];
  const y = runtime.result(op, args.u.shape);
  const strides = [args.u, args.delta, args.B, args.C].map((x) => x.rowStride);
  const sizes = [channels, stateSize, ...strides, args.z?.rowStride ?? 0, args.deltaSoftplus === true];
  const grid = batch * Math.ceil(channels / each);
  runtime.launch(op, "selectiveStateUpdate", grid, block, [...tensors, y, ...sizes]);
  return y;
}
