import type { ScanArgs, TrainingKernel } from "@mamba/kernel";
import { defineTrainingCase, floats, ints, type OpCase } from "../case.ts";
import { flagLabel, type Flags } from "../pairwise.ts";
import { Random } from "../random.ts";
import { selectiveScan, selectiveScanBackward } from "../reference/index.ts";
import { rangesFor } from "./ranges.ts";
import { arranged, draw, type Extras, type ScanData } from "./scan.ts";
import { gradients, result, windowed } from "./shared.ts";

export const scanBackwardFlags = [
  "D",
  "z",
  "deltaBias",
  "softplus",
  "initialState",
  "range",
  "dFinalState",
  "view",
] as const;
export type ScanBackwardFlags = Flags<(typeof scanBackwardFlags)[number]>;

/** The data of a scan with the gradients that flow in. */
type BackwardData = ScanData & Record<"dy" | "dFinalState", Float32Array>;

/** Sizes and options of a training case of the scan. */
interface Setting {
  label: string;
  sizes: { B: number; L: number; D: number; N: number };
  flags: ScanBackwardFlags;
  edit: ((data: BackwardData) => void) | undefined;
}

function settingOf(
  [B, L, D, N]: readonly [B: number, L: number, D: number, N: number],
  flags: ScanBackwardFlags,
  { note = "", edit }: Extras<BackwardData>,
): Setting {
  return { label: `B${B} L${L} D${D} N${N}${flagLabel(flags)}${note}`, sizes: { B, L, D, N }, flags, edit };
}

/** The arguments of the scan, and those of its backward beside them. */
function inputsOf(op: string, { label, sizes, flags, edit }: Setting) {
  const { B: batch, L, D, N } = sizes;
  const random = new Random(`${op} gradients ${label}`);
  const data = {
    ...draw(`${op} ${label}`, batch * L, batch, D, N, flags.softplus),
    dy: random.normals(batch * L * D),
    dFinalState: random.normals(batch * D * N),
  };
  edit?.(data);
  const dy = floats(data.dy, [batch, L, D]);
  return {
    args: {
      ...arranged(flags.view, data, [batch, L], D, N, flags),
      initialState: flags.initialState ? floats(data.state, [batch, D, N]) : undefined,
      range: flags.range ? ints(rangesFor(batch, L), [batch, 2]) : undefined,
    },
    dy: flags.view ? windowed(dy, 2, 1) : dy,
    dFinalState: flags.dFinalState ? floats(data.dFinalState, [batch, D, N]) : undefined,
  };
}

/** The residual of a scan, whose results nobody wants. */
export function residualOf(kernel: TrainingKernel, args: ScanArgs) {
  const { y, finalState, residual } = kernel.selectiveScanForward(args);
  y.dispose();
  finalState.dispose();
  return residual;
}

/** Gradients of all arguments that the flags name. */
export function scanBackwardCase(
  sizes: readonly [B: number, L: number, D: number, N: number],
  flags: ScanBackwardFlags,
  extras: Extras<BackwardData> = {},
): OpCase {
  const setting = settingOf(sizes, flags, extras);
  const [batch, L, D, N] = sizes;
  const deltaSoftplus = flags.softplus;
  return defineTrainingCase({
    op: "selectiveScanBackward",
    label: setting.label,
    sizes: setting.sizes,
    ...(extras.tolerance && { tolerance: extras.tolerance }),
    inputs: () => {
      const { args, dy, dFinalState } = inputsOf("selectiveScanBackward", setting);
      return { dy, dFinalState, ...args };
    },
    prepare: (kernel, { dy: _, dFinalState: __, ...args }) => residualOf(kernel, { ...args, deltaSoftplus }),
    run: (kernel, { dy, dFinalState, ...args }, residual) =>
      gradients(kernel.selectiveScanBackward(dy, { ...args, deltaSoftplus }, residual, dFinalState)),
    reference: ({ dy, dFinalState, ...args }) => {
      const grads = selectiveScanBackward(batch, L, D, N, dy, { ...args, deltaSoftplus }, dFinalState);
      return {
        d_u: result([batch, L, D], grads.u),
        d_delta: result([batch, L, D], grads.delta),
        d_A: result([D, N], grads.A),
        d_B: result([batch, L, N], grads.B),
        d_C: result([batch, L, N], grads.C),
        ...(flags.D && { d_D: result([D], grads.D) }),
        ...(flags.z && { d_z: result([batch, L, D], grads.z) }),
        ...(flags.deltaBias && { d_deltaBias: result([D], grads.deltaBias) }),
        ...(flags.initialState && { d_initialState: result([batch, D, N], grads.initialState) }),
      };
    },
  });
}

/** The forward that keeps what its backward needs: the results of `selectiveScan`, and a residual. */
export function scanForwardCase(
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
    inputs: () => inputsOf("selectiveScanForward", setting).args,
    run: (kernel, args) => {
      const { y, finalState, residual } = kernel.selectiveScanForward({ ...args, deltaSoftplus });
      residual.dispose();
      return { y, finalState };
    },
    reference: (args) => {
      const { y, finalState } = selectiveScan(batch, L, D, N, { ...args, deltaSoftplus });
      return { y: result([batch, L, D], y), finalState: result([batch, D, N], finalState) };
    },
  });
}
