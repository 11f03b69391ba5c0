import { type CaseInput, type Cost, floats } from "../case.ts";
import type { Flags } from "../pairwise.ts";
import { Random } from "../random.ts";
import { asView, bytesOf, cycled } from "./inputs.ts";

// Inputs and costs of the scan, its one-token form and its backward.

/** Optional arguments that all forms of the scan have. */
export type ScanOptions = Flags<"D" | "z" | "deltaBias" | "softplus" | "view">;

/** Float32 data of a scan by argument name. A case may change it before it is uploaded. */
export type ScanData = Record<
  "u" | "delta" | "A" | "B" | "C" | "D" | "z" | "deltaBias" | "state",
  Float32Array
>;

/** Changes to a case. */
export interface Extras<T = ScanData> {
  note?: string;
  edit?: (data: T) => void;
  tolerance?: { nmse: number; reason: string };
}

/** Draws the data of a scan in the ranges that a trained model has. */
export function drawScan(
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
    // The steps of a trained model: most between 0.001 and 1.
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

/**
 * The inputs of a scan. As views they are the columns of the rows that a block has: `x|z` for u and z, `dt|B|C` for B and C.
 */
export function scanInputs(
  view: boolean,
  d: ScanData,
  lead: readonly number[],
  D: number,
  N: number,
  flags: ScanOptions,
) {
  const u = floats(d.u, [...lead, D]);
  const delta = floats(d.delta, [...lead, D]);
  const B = floats(d.B, [...lead, N]);
  const C = floats(d.C, [...lead, N]);
  const z = floats(d.z, [...lead, D]);
  const place = (input: CaseInput, before: number, after: number) =>
    view ? asView(input, before, after) : input;
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

/** Overwrites `target` with the values in turn. */
export function fillInTurn(target: Float32Array, values: readonly [number, ...number[]]): void {
  target.forEach((_, i) => (target[i] = cycled(values, i)));
}

/**
 * Cost of the forward over `rows` positions, states not included. Per channel and position: for each state exp(dt A), its
 * product with h, dt u B, and C h (7); dt u (1), deltaBias (1), softplus (3), D u (2) and the gate (4).
 */
export function scanCost(rows: number, D: number, N: number, flags: ScanOptions): Cost {
  const fused = (flags.deltaBias ? 1 : 0) + (flags.softplus ? 3 : 0) + (flags.D ? 2 : 0) + (flags.z ? 4 : 0);
  const vectors = (flags.D ? 1 : 0) + (flags.deltaBias ? 1 : 0);
  const sequences = rows * ((flags.z ? 4 : 3) * D + 2 * N);
  return { flops: rows * D * (7 * N + 1 + fused), bytes: bytesOf(sequences + D * (N + vectors)) };
}
