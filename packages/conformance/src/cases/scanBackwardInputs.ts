import { type Residual, type ScanArgs, Scope, type Tensor, type TrainingKernel } from "@mamba/kernel";
import { floats, ints } from "../case.ts";
import { B, D, L, N } from "../opSuite.ts";
import { flagLabel, type Flags } from "../pairwise.ts";
import { Random } from "../random.ts";
import { asView } from "./inputs.ts";
import { drawScan, type Extras, type ScanData, scanInputs } from "./scanInputs.ts";
import { sequenceIdsFor } from "./sequenceIds.ts";

// Inputs of the training forms of the scan.

export const scanBackwardFlags = [
  "D",
  "z",
  "deltaBias",
  "softplus",
  "initialState",
  "sequenceIds",
  "dFinalState",
  "view",
] as const;
export type ScanBackwardFlags = Flags<(typeof scanBackwardFlags)[number]>;

/** The data of a scan with the gradients of its results. */
export type BackwardData = ScanData & Record<"dy" | "dFinalState", Float32Array>;

/** Sizes and options of a training case of the scan. */
export interface Setting {
  label: string;
  sizes: { B: number; L: number; D: number; N: number };
  flags: ScanBackwardFlags;
  edit: ((data: BackwardData) => void) | undefined;
}

export function settingOf(
  [B, L, D, N]: readonly [B: number, L: number, D: number, N: number],
  flags: ScanBackwardFlags,
  { note = "", edit }: Extras<BackwardData>,
): Setting {
  return { label: `B${B} L${L} D${D} N${N}${flagLabel(flags)}${note}`, sizes: { B, L, D, N }, flags, edit };
}

/** The arguments of the scan, and the gradients of its results. */
export function trainingInputs(op: string, { label, sizes, flags, edit }: Setting) {
  const { B: batch, L, D, N } = sizes;
  const random = new Random(`${op} gradients ${label}`);
  const data = {
    ...drawScan(`${op} ${label}`, batch * L, batch, D, N, flags.softplus),
    dy: random.normals(batch * L * D),
    dFinalState: random.normals(batch * D * N),
  };
  edit?.(data);
  const dy = floats(data.dy, [batch, L, D]);
  return {
    args: {
      ...scanInputs(flags.view, data, [batch, L], D, N, flags),
      initialState: flags.initialState ? floats(data.state, [batch, D, N]) : undefined,
      sequenceIds: flags.sequenceIds ? ints(sequenceIdsFor(batch, L), [batch, L]) : undefined,
    },
    dy: flags.view ? asView(dy, 2, 1) : dy,
    dFinalState: flags.dFinalState ? floats(data.dFinalState, [batch, D, N]) : undefined,
  };
}

/** Runs the forward for its residual alone. */
export function residualOf(kernel: TrainingKernel, args: ScanArgs) {
  const { y, finalState, residual } = kernel.selectiveScanForward(args);
  y.dispose();
  finalState.dispose();
  return residual;
}

/** Makes the residual of a scan of the minimal sizes over zeros. */
export function makeResidual(kernel: TrainingKernel, length = L): Residual {
  using scope = new Scope();
  const zeros = (...shape: number[]): Tensor => scope.use(kernel.zeros(shape, "f32"));
  const u = zeros(B, length, D);
  const states = zeros(B, length, N);
  return residualOf(kernel, { u, delta: u, A: zeros(D, N), B: states, C: states });
}
