import { type CaseInput, defineCase, floats, ints, type OpCase } from "../case.ts";
import { flagLabel, type Flags } from "../pairwise.ts";
import { Random } from "../random.ts";
import { selectiveScan, selectiveStateUpdate } from "../reference/index.ts";
import { rangesFor } from "./ranges.ts";
import { result, windowed } from "./shared.ts";

export const scanFlags = [
  "D",
  "z",
  "deltaBias",
  "softplus",
  "initialState",
  "range",
  "finalState",
  "view",
] as const;
export type ScanFlags = Flags<(typeof scanFlags)[number]>;
export const updateFlags = ["D", "z", "deltaBias", "softplus", "view"] as const;
export type UpdateFlags = Flags<(typeof updateFlags)[number]>;

/** Float32 data of a scan by argument name, which a case may change before it is uploaded. */
export type ScanData = Record<
  "u" | "delta" | "A" | "B" | "C" | "D" | "z" | "deltaBias" | "state",
  Float32Array
>;

/** What makes a case special. */
export interface Extras<T = ScanData> {
  note?: string;
  edit?: (data: T) => void;
  tolerance?: { nmse: number; reason: string };
}

/** What a scan takes, drawn in the ranges that a trained model has. */
export function draw(
  seed: string,
  rows: number,
  B: number,
  D: number,
  N: number,
  softplus: boolean,
): ScanData {
  const random = new Random(seed);
  return {
    u: random.normals(rows * D),
    // Steps as a trained model has them, most between 0.001 and 1.
    delta: softplus ? random.normals(rows * D, 2) : random.uniforms(rows * D, 0.001, 0.5),
    A: random.uniforms(D * N, -2, -0.05),
    B: random.normals(rows * N),
    C: random.normals(rows * N),
    D: random.normals(D),
    z: random.normals(rows * D),
    deltaBias: softplus ? random.uniforms(D, -4, 0) : random.uniforms(D, 0, 0.5),
    state: random.normals(B * D * N),
  };
}

/** The slices of the model's rows that views are taken from: `x|z` for u and z, `dt|B|C` for B and C. */
export function arranged(
  view: boolean,
  d: ScanData,
  lead: readonly number[],
  D: number,
  N: number,
  flags: UpdateFlags,
) {
  const u = floats(d.u, [...lead, D]);
  const delta = floats(d.delta, [...lead, D]);
  const B = floats(d.B, [...lead, N]);
  const C = floats(d.C, [...lead, N]);
  const z = floats(d.z, [...lead, D]);
  const place = (input: CaseInput, before: number, after: number) =>
    view ? windowed(input, before, after) : input;
  return {
    u: place(u, 0, D),
    delta: place(delta, 1, 1),
    A: floats(d.A, [D, N]),
    B: place(B, 3, N),
    C: place(C, 3 + N, 0),
    D: flags.D ? floats(d.D, [D]) : undefined,
    z: flags.z ? place(z, D, 0) : undefined,
    deltaBias: flags.deltaBias ? floats(d.deltaBias, [D]) : undefined,
  };
}

export function scanCase(
  batch: number,
  L: number,
  D: number,
  N: number,
  flags: ScanFlags,
  extras: Extras = {},
): OpCase {
  const { note = "", edit, tolerance } = extras;
  const label = `B${batch} L${L} D${D} N${N}${flagLabel(flags)}${note}`;
  const deltaSoftplus = flags.softplus;
  return defineCase({
    op: "selectiveScan",
    label,
    sizes: { B: batch, L, D, N },
    ...(tolerance && { tolerance }),
    inputs: () => {
      const data = draw(`selectiveScan ${label}`, batch * L, batch, D, N, flags.softplus);
      edit?.(data);
      return {
        ...arranged(flags.view, data, [batch, L], D, N, flags),
        initialState: flags.initialState ? floats(data.state, [batch, D, N]) : undefined,
        range: flags.range ? ints(rangesFor(batch, L), [batch, 2]) : undefined,
      };
    },
    run: (kernel, t) => {
      const args = { ...t, deltaSoftplus };
      return flags.finalState ? kernel.selectiveScan(args, { finalState: true }) : kernel.selectiveScan(args);
    },
    reference: (v) => {
      const { y, finalState } = selectiveScan(batch, L, D, N, { ...v, deltaSoftplus });
      const out = { y: result([batch, L, D], y) };
      return flags.finalState ? { ...out, finalState: result([batch, D, N], finalState) } : out;
    },
  });
}

export function updateCase(
  batch: number,
  D: number,
  N: number,
  flags: UpdateFlags,
  extras: Extras = {},
): OpCase {
  const { note = "", edit } = extras;
  const label = `B${batch} D${D} N${N}${flagLabel(flags)}${note}`;
  const deltaSoftplus = flags.softplus;
  return defineCase({
    op: "selectiveStateUpdate",
    label,
    sizes: { B: batch, D, N },
    inputs: () => {
      const data = draw(`selectiveStateUpdate ${label}`, batch, batch, D, N, flags.softplus);
      edit?.(data);
      return {
        state: { ...floats(data.state, [batch, D, N]), inPlace: true as const },
        ...arranged(flags.view, data, [batch], D, N, flags),
      };
    },
    run: (kernel, { state, ...args }) => ({
      y: kernel.selectiveStateUpdate(state, { ...args, deltaSoftplus }),
    }),
    reference: ({ state, ...args }) => {
      const after = selectiveStateUpdate(batch, D, N, state, { ...args, deltaSoftplus });
      return { y: result([batch, D], after.y), state: result([batch, D, N], after.state) };
    },
  });
}
