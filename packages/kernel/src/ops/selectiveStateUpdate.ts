import { bindAxes } from "../checks/bindAxes.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";
import { checkStateSize, type ScanArgs } from "./selectiveScan.ts";

/**
 * `selectiveScan` for one token: u, delta, z [B, D]; B, C [B, N]. Or all five as sequences of one position, [B, 1, D] and
 * [B, 1, N]. The state is a separate argument.
 */
export type StateUpdateArgs = Omit<ScanArgs, "initialState" | "sequenceIds">;

export interface SelectiveStateUpdateOp {
  /** `selectiveScan` for one token: y in the shape of u. `state` [B, D, N] is advanced in place. */
  selectiveStateUpdate(state: Tensor, args: StateUpdateArgs): Tensor;
}

export const selectiveStateUpdate = {
  parameters: ["state", "args"],
  check(state, args) {
    const op = "selectiveStateUpdate";
    const isSequence = args.u.shape.length === 3;
    const channels = isSequence ? "B 1 D" : "B D";
    const states = isSequence ? "B 1 N" : "B N";
    const { B, D, N } = bindAxes(op, {
      u: { tensor: args.u, axes: channels },
      delta: { tensor: args.delta, axes: channels },
      A: { tensor: args.A, axes: "D N", dense: true },
      B: { tensor: args.B, axes: states },
      C: { tensor: args.C, axes: states },
      D: { tensor: args.D, axes: "D", dense: true },
      z: { tensor: args.z, axes: channels },
      deltaBias: { tensor: args.deltaBias, axes: "D", dense: true },
      state: { tensor: state, axes: "B D N", dense: true },
    });
    checkStateSize(op, N);
    return { batch: B, channels: D, stateSize: N };
  },
  writes: (state) => [state],
} satisfies OpDefinition<SelectiveStateUpdateOp["selectiveStateUpdate"]>;
