import { type Cost, defineTrainingCase, type OpCase } from "../case.ts";
import { bytesOf, cycled, result } from "../cases/inputs.ts";
import {
  type BackwardData,
  type ScanBackwardFlags,
  scanBackwardFlags,
  type Setting,
  settingOf,
  trainingInputs,
} from "../cases/scanBackwardInputs.ts";
import { type Extras, scanCost } from "../cases/scanInputs.ts";
import { sequenceKinds } from "../cases/sequenceIds.ts";
import { defineTrainingOp } from "../opSuite.ts";
import { pairwise } from "../pairwise.ts";
import { scanArgs, selectiveScan } from "./selectiveScan.ts";

/** The cost of `selectiveScan` with its final state. */
function costOf({ sizes: { B, L, D, N }, flags }: Setting): Cost {
  const { flops, bytes } = scanCost(B * L, D, N, flags);
  const states = flags.initialState ? 2 : 1;
  return {
    flops,
    bytes: bytes + bytesOf(states * B * D * N) + (flags.sequenceIds ? bytesOf(B * L, "i32") : 0),
  };
}

/** The forward that also returns the residual of its backward. */
function scanForwardCase(
  sizes: readonly [B: number, L: number, D: number, N: number],
  flags: ScanBackwardFlags,
  extras: Extras<BackwardData> = {},
): OpCase {
  const setting = settingOf(sizes, flags, extras);
  const [batch, L, D, N] = sizes;
  const deltaSoftplus = flags.softplus;
  return defineTrainingCase({
    op: "selectiveScanForward",
    label: setting.label,
    sizes: setting.sizes,
    cost: costOf(setting),
    inputs: () => trainingInputs("selectiveScanForward", setting).args,
    run: (kernel, args) => {
      const { y, finalState, residual } = kernel.selectiveScanForward({ ...args, deltaSoftplus });
      residual.dispose();
      return { y, finalState };
    },
    reference: (args) => {
      const { y, finalState } = selectiveScan.reference(batch, L, D, N, { ...args, deltaSoftplus });
      return { y: result([batch, L, D], y), finalState: result([batch, D, N], finalState) };
    },
  });
}

const model = {
  ...{ D: true, z: true, deltaBias: true, softplus: true },
  ...{ initialState: false, sequenceIds: false, dFinalState: false, view: false },
};

export const selectiveScanForward = defineTrainingOp("selectiveScanForward", {
  reference: selectiveScan.reference,
  cases: [
    ...[1, 3, 17, 65, 129, 257, 513].map((L, i) =>
      scanForwardCase([(i % 3) + 1, L, cycled([5, 3, 17], i), 16], model),
    ),
    ...pairwise(scanBackwardFlags.filter((name) => name !== "dFinalState")).map((flags, i) =>
      scanForwardCase([sequenceKinds, 20, 5, cycled([1, 4, 5, 16], i)], { ...flags, dFinalState: false }),
    ),
    scanForwardCase([2, 40, 130, 16], model, { note: ", work for several threads" }),
    scanForwardCase([sequenceKinds, 140, 5, 16], { ...model, initialState: true, sequenceIds: true }),
  ],
  minimal: {
    args: scanArgs,
    dense: ["A", "initialState", "sequenceIds"],
    call: (k, t) => {
      const { y, finalState, residual } = k.selectiveScanForward(t);
      residual.dispose();
      return [y, finalState];
    },
  },
  batched: { arguments: ["u", "delta", "B", "C", "z", "initialState"] },
});
