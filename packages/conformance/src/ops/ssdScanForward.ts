import { defineTrainingCase, type OpCase } from "../case.ts";
import { cycled, result } from "../cases/inputs.ts";
import { sequenceKinds } from "../cases/sequenceIds.ts";
import {
  type SsdBackwardFlags,
  ssdBackwardFlags,
  ssdData,
  ssdInputs,
  ssdMinimal,
  ssdMinimalArgs,
  ssdScalars,
  ssdSetting,
  type SsdSize,
} from "../cases/ssdInputs.ts";
import { defineTrainingOp } from "../opSuite.ts";
import { flagSets, pairwise } from "../pairwise.ts";
import { ssdScan, ssdScanCost } from "./ssdScan.ts";

/** The forward that also returns the residual of its backward. */
function ssdForwardCase(size: SsdSize, flags: SsdBackwardFlags, note = ""): OpCase {
  const setting = ssdSetting(size, flags, { note });
  const { label, sizes } = setting;
  const { B, L, H, P, N } = sizes;
  return defineTrainingCase({
    op: "ssdScanForward",
    label,
    sizes,
    cost: ssdScanCost(setting, flags.initialState ? 2 : 1),
    inputs: () => ssdInputs(ssdData("ssdScanForward", setting), setting),
    run: (kernel, args) => {
      const { y, finalState, residual } = kernel.ssdScanForward({ ...args, ...ssdScalars(sizes) });
      residual.dispose();
      return { y, finalState };
    },
    reference: (args) => {
      const { y, finalState } = ssdScan.reference(sizes, args);
      return { y: result([B, L, H * P], y), finalState: result([B, H, P, N], finalState) };
    },
  });
}

const set = flagSets(ssdBackwardFlags);

export const ssdScanForward = defineTrainingOp("ssdScanForward", {
  reference: ssdScan.reference,
  cases: [
    ...[1, 3, 17, 64, 65, 130, 257].map((L, i) =>
      ssdForwardCase([(i % 2) + 1, L, cycled([4, 2], i), cycled([5, 3], i), cycled([1, 2], i), 16], set("D")),
    ),
    ...pairwise(ssdBackwardFlags.filter((name) => name !== "dFinalState")).map((flags, i) =>
      ssdForwardCase([sequenceKinds, 20, 4, 3, 2, cycled([5, 16, 8], i)], { ...flags, dFinalState: false }),
    ),
    ssdForwardCase([2, 130, 8, 16, 2, 32], set("D"), ", work for several threads"),
    ssdForwardCase([sequenceKinds, 140, 2, 3, 1, 8], set("D", "initialState", "sequenceIds")),
  ],
  minimal: {
    args: ssdMinimalArgs,
    dense: ["D", "initialState", "sequenceIds"],
    call: (k, t) => {
      const { y, finalState, residual } = k.ssdScanForward({ ...t, ...ssdScalars(ssdMinimal) });
      residual.dispose();
      return [y, finalState];
    },
  },
  batched: { arguments: ["x", "B", "C", "logDecay", "weight", "initialState"] },
});
