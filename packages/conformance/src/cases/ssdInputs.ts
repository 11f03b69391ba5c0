import type { Residual, SsdArgs, Tensor, TrainingKernel } from "@mamba/kernel";
import { type CaseInput, type Cost, floats, ints } from "../case.ts";
import type { Values } from "../math.ts";
import { f32, i32 } from "../opSuite.ts";
import { flagLabel, type Flags } from "../pairwise.ts";
import { Random } from "../random.ts";
import { asView, bytesOf } from "./inputs.ts";
import { sequenceIdsFor } from "./sequenceIds.ts";

// Inputs and costs of the scan of state space heads, its one-token form and its backward.

/** Extents: batch, length, heads, columns of a head, groups, state size. */
export type SsdExtents = Readonly<Record<"B" | "L" | "H" | "P" | "G" | "N", number>>;

/** The extents from their values in the order B, L, H, P, G, N. */
export type SsdSize = readonly [B: number, L: number, H: number, P: number, G: number, N: number];

/** The arguments of the op as plain numbers, in the shapes of `SsdArgs`. */
export interface SsdValues {
  x: Values;
  B: Values;
  C: Values;
  logDecay: Values;
  weight: Values;
  D?: Values | undefined;
  initialState?: Values | undefined;
  sequenceIds?: Values | undefined;
  /** Round the state to float32 at every position, as a kernel does that stores it between chunks. Default false. */
  roundState?: boolean | undefined;
}

export const ssdFlags = ["D", "initialState", "sequenceIds", "finalState", "view"] as const;
export const ssdBackwardFlags = ["D", "initialState", "sequenceIds", "dFinalState", "view"] as const;
export type SsdFlags = Flags<(typeof ssdFlags)[number]>;
export type SsdBackwardFlags = Flags<(typeof ssdBackwardFlags)[number]>;

type Options = Flags<"D" | "initialState" | "sequenceIds" | "view">;

/** Float32 data of a scan by argument name, and the gradients of its results. A case may change it before it is uploaded. */
export type SsdData = Record<
  "x" | "B" | "C" | "logDecay" | "weight" | "D" | "initialState" | "dy" | "dFinalState",
  Float32Array
>;

/** Changes to a case. */
export interface SsdExtras {
  note?: string;
  edit?: (data: SsdData) => void;
}

/** Sizes and options of a case. */
export interface SsdSetting<F extends Options = Options> {
  label: string;
  sizes: SsdExtents;
  flags: F;
  edit: SsdExtras["edit"];
}

export function ssdSetting<F extends Options>(
  [B, L, H, P, G, N]: SsdSize,
  flags: F,
  { note = "", edit }: SsdExtras,
): SsdSetting<F> {
  const label = `B${B} L${L} H${H} P${P} G${G} N${N}${flagLabel(flags)}${note}`;
  return { label, sizes: { B, L, H, P, G, N }, flags, edit };
}

/** Draws decays from almost none to most of the state per position: some heads keep their state over many chunks. */
function drawSsd(seed: string, { B, L, H, P, G, N }: SsdExtents): SsdData {
  const random = new Random(seed);
  const rows = B * L;
  return {
    x: random.normals(rows * H * P),
    B: random.normals(rows * G * N),
    C: random.normals(rows * G * N),
    logDecay: random.uniforms(rows * H, Math.log(1e-3), Math.log(1.5)).map((x) => -Math.exp(x)),
    weight: random.uniforms(rows * H, 0.02, 0.6),
    D: random.normals(H),
    initialState: random.normals(B * H * P * N),
    dy: random.normals(rows * H * P),
    dFinalState: random.normals(B * H * P * N),
  };
}

/** The data of a case. */
export function ssdData(op: string, { label, sizes, edit }: SsdSetting): SsdData {
  const data = drawSsd(`${op} ${label}`, sizes);
  edit?.(data);
  return data;
}

/** The inputs that have a row for each position. As views they are the columns of rows that a block has: `x|B|C` and `weight|logDecay`. */
export function ssdPositions(
  view: boolean,
  data: SsdData,
  lead: readonly number[],
  { H, P, G, N }: Omit<SsdExtents, "B" | "L">,
) {
  const place = (input: CaseInput, before: number, after: number) =>
    view ? asView(input, before, after) : input;
  return {
    x: place(floats(data.x, [...lead, H * P]), 0, 2 * G * N),
    B: place(floats(data.B, [...lead, G * N]), H * P, G * N),
    C: place(floats(data.C, [...lead, G * N]), H * P + G * N, 0),
    logDecay: place(floats(data.logDecay, [...lead, H]), H, 0),
    weight: place(floats(data.weight, [...lead, H]), 0, H),
  };
}

/** All arguments of a scan. */
export function ssdInputs(data: SsdData, { sizes, flags }: Pick<SsdSetting, "sizes" | "flags">) {
  const { B, L, H, P, N } = sizes;
  return {
    ...ssdPositions(flags.view, data, [B, L], sizes),
    D: flags.D ? floats(data.D, [H]) : undefined,
    initialState: flags.initialState ? floats(data.initialState, [B, H, P, N]) : undefined,
    sequenceIds: flags.sequenceIds ? ints(sequenceIdsFor(B, L), [B, L]) : undefined,
  };
}

/**
 * Cost of the recurrence over `rows` positions, states not included. Per head and position: exp, for each column weight x, and
 * for each element of the state its decay, its input and its product with C (5); D x (2 for each column).
 */
export function ssdCost(rows: number, { H, P, G, N }: Omit<SsdExtents, "B" | "L">, D: boolean): Cost {
  return {
    flops: rows * H * (1 + P * (1 + 5 * N + (D ? 2 : 0))),
    bytes: bytesOf(rows * (2 * H * P + 2 * G * N + 2 * H) + (D ? H : 0)),
  };
}

/** The scalars of a call, for `SsdArgs`. */
export function ssdScalars({ H, G }: Pick<SsdExtents, "H" | "G">): Pick<SsdArgs, "heads" | "groups"> {
  return { heads: H, groups: G };
}

/** Extents of the minimal calls. */
export const ssdMinimal = { B: 2, L: 4, H: 6, P: 3, G: 2, N: 5 } as const;

const { B, L, H, P, G, N } = ssdMinimal;

/** Arguments of the minimal calls of the scan over a sequence. */
export const ssdMinimalArgs = {
  x: f32(B, L, H * P),
  B: f32(B, L, G * N),
  C: f32(B, L, G * N),
  logDecay: f32(B, L, H),
  weight: f32(B, L, H),
  D: f32(H),
  initialState: f32(B, H, P, N),
  sequenceIds: i32(B, L),
};

/** Runs the forward for its residual alone. */
export function ssdResidualOf(kernel: TrainingKernel, args: SsdArgs): Residual {
  const { y, finalState, residual } = kernel.ssdScanForward(args);
  y.dispose();
  finalState.dispose();
  return residual;
}

/** Makes the residual of a scan of the minimal sizes over zeros. */
export function makeSsdResidual(kernel: TrainingKernel, length: number = L): Residual {
  const zeros = (width: number): Tensor => kernel.zeros([B, length, width], "f32");
  using x = zeros(H * P);
  using states = zeros(G * N);
  using scalars = zeros(H);
  const args = { x, B: states, C: states, logDecay: scalars, weight: scalars, ...ssdScalars(ssdMinimal) };
  return ssdResidualOf(kernel, args);
}
