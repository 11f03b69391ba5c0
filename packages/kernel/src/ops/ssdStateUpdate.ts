import { bindAxes } from "../checks/bindAxes.ts";
import { checkHeads } from "../checks/heads.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";
import { checkSsdState, type SsdArgs, ssdWidths } from "./ssdScan.ts";

/**
 * `ssdScan` for one token: x [B, H·P]; B, C [B, G·N]; logDecay, weight [B, H]. Or all five as sequences of one position,
 * [B, 1, H·P], [B, 1, G·N] and [B, 1, H]. The state is a separate argument.
 */
export type SsdUpdateArgs = Omit<SsdArgs, "initialState" | "sequenceIds">;

export interface SsdStateUpdateOp {
  /** `ssdScan` for one token: y in the shape of x. `state` [B, H, P, N] is advanced in place. */
  ssdStateUpdate(state: Tensor, args: SsdUpdateArgs): Tensor;
}

export const ssdStateUpdate = {
  parameters: ["state", "args"],
  check(state, args) {
    const op = "ssdStateUpdate";
    const { x, heads, groups } = args;
    checkHeads(op, heads, "groups", groups);
    const isSequence = x.shape.length === 3;
    const states = isSequence ? "B 1 Y" : "B Y";
    const scalars = isSequence ? "B 1 H" : "B H";
    const { B } = bindAxes(
      op,
      {
        x: { tensor: x, axes: isSequence ? "B 1 X" : "B X" },
        B: { tensor: args.B, axes: states },
        C: { tensor: args.C, axes: states },
        logDecay: { tensor: args.logDecay, axes: scalars },
        weight: { tensor: args.weight, axes: scalars },
        D: { tensor: args.D, axes: "H", dense: true },
      },
      { H: heads },
    );
    const sizes = { batch: B, heads, groups, ...ssdWidths(op, args) };
    checkSsdState(op, "state", state, sizes);
    return sizes;
  },
  writes: (state) => [state],
} satisfies OpDefinition<SsdStateUpdateOp["ssdStateUpdate"]>;
