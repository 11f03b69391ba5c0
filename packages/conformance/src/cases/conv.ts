import { type CaseInput, defineCase, floats, ints, type OpCase } from "../case.ts";
import { flagLabel, type Flags, pairwise } from "../pairwise.ts";
import { Random } from "../random.ts";
import { causalConv1d, causalConv1dStep } from "../reference/index.ts";
import { lengths, result, windowed } from "./shared.ts";
import { rangesFor } from "./ranges.ts";

const convFlags = ["bias", "silu", "initialState", "range", "finalState", "view"] as const;
type ConvFlags = Flags<(typeof convFlags)[number]>;
const stepFlags = ["bias", "silu", "view"] as const;

interface Edits {
  note?: string;
  /** Changes x after it was drawn. */
  edit?: (x: Float32Array) => void;
}

export function convCase(
  B: number,
  L: number,
  D: number,
  W: number,
  flags: ConvFlags,
  edits: Edits = {},
): OpCase {
  const { note = "", edit } = edits;
  const label = `B${B} L${L} D${D} W${W}${flagLabel(flags)}${note}`;
  const activation = flags.silu ? ("silu" as const) : undefined;
  return defineCase({
    op: "causalConv1d",
    label,
    sizes: { B, L, D, W },
    inputs: () => {
      const random = new Random(`causalConv1d ${label}`);
      const data = random.normals(B * L * D);
      edit?.(data);
      const x = floats(data, [B, L, D]);
      return {
        x: flags.view ? windowed(x, D, 0) : x,
        weight: floats(random.normals(D * W, W ** -0.5), [D, W]),
        bias: flags.bias ? floats(random.normals(D), [D]) : undefined,
        initialState: flags.initialState ? floats(random.normals(B * D * (W - 1)), [B, D, W - 1]) : undefined,
        range: flags.range ? ints(rangesFor(B, L), [B, 2]) : undefined,
      };
    },
    run: (kernel, t) => {
      const args = { ...t, activation };
      return flags.finalState ? kernel.causalConv1d(args, { finalState: true }) : kernel.causalConv1d(args);
    },
    reference: (v) => {
      const { y, finalState } = causalConv1d(B, L, D, W, { ...v, activation });
      const out = { y: result([B, L, D], y) };
      return flags.finalState ? { ...out, finalState: result([B, D, W - 1], finalState) } : out;
    },
  });
}

function convStepCase(B: number, D: number, W: number, flags: Flags<(typeof stepFlags)[number]>): OpCase {
  const label = `B${B} D${D} W${W}${flagLabel(flags)}`;
  const activation = flags.silu ? ("silu" as const) : undefined;
  return defineCase({
    op: "causalConv1dStep",
    label,
    sizes: { B, D, W },
    inputs: () => {
      const random = new Random(`causalConv1dStep ${label}`);
      const x = floats(random.normals(B * D), [B, D]);
      const state: CaseInput = floats(random.normals(B * D * (W - 1)), [B, D, W - 1]);
      return {
        state: { ...state, inPlace: true as const },
        x: flags.view ? windowed(x, D, 0) : x,
        weight: floats(random.normals(D * W, W ** -0.5), [D, W]),
        bias: flags.bias ? floats(random.normals(D), [D]) : undefined,
      };
    },
    run: (kernel, { state, ...args }) => ({ y: kernel.causalConv1dStep(state, { ...args, activation }) }),
    reference: ({ state, ...args }) => {
      const after = causalConv1dStep(B, D, W, state, { ...args, activation });
      return { y: result([B, D], after.y), state: result([B, D, W - 1], after.state) };
    },
  });
}

const set = (...on: (typeof convFlags)[number][]): ConvFlags =>
  Object.fromEntries(convFlags.map((name) => [name, on.includes(name)])) as ConvFlags;
const widths = [2, 3, 4, 5, 16];

export const causalConv1dCases = [
  ...lengths.map((L, i) =>
    convCase((i % 3) + 1, L, [3, 17, 5, 33][i % 4] as number, 4, set("bias", "silu", "finalState")),
  ),
  ...pairwise(convFlags).flatMap((flags, i) => [
    convCase(3, 19, [5, 8, 33][i % 3] as number, widths[i % 5] as number, flags),
    convCase(2, 130, [17, 4][i % 2] as number, 4, flags),
  ]),
  // Fewer inputs than the state holds: part of the old state stays.
  ...[1, 2, 3].map((L) =>
    convCase(2, L, 7, 4, set("initialState", "finalState"), { note: ", shorter than W" }),
  ),
  convCase(2, 5, 6, 16, set("initialState", "finalState", "range", "silu"), { note: ", shorter than W" }),
  convCase(1, 9, 129, 4, set("bias", "silu", "view")),
  convCase(2, 12, 9, 4, set("bias", "silu", "finalState"), {
    note: ", NaN in one channel",
    edit: (x) => {
      x[3 * 9 + 4] = NaN;
    },
  }),
  convCase(2, 12, 9, 4, set("bias", "finalState"), {
    note: ", infinity in one channel",
    edit: (x) => {
      x[(12 + 5) * 9 + 7] = Infinity;
    },
  }),
  convCase(3, 19, 5, 4, set("bias", "silu", "range", "initialState", "finalState"), {
    note: ", NaN in all padding",
    edit: (x) => {
      padWith(x, NaN, 3, 19, 5);
    },
  }),
];

export const causalConv1dStepCases = [
  ...pairwise(stepFlags).flatMap((flags) => [convStepCase(1, 33, 4, flags), convStepCase(3, 5, 3, flags)]),
  ...[1, 3, 17, 130].map((D, i) =>
    convStepCase((i % 2) + 1, D, widths[i] as number, { bias: true, silu: true, view: false }),
  ),
  convStepCase(9, 7, 16, { bias: true, silu: true, view: false }),
];

/** Overwrites the positions outside `rangesFor` of [B, L, D] data. */
export function padWith(data: Float32Array, value: number, B: number, L: number, D: number): void {
  const ranges = rangesFor(B, L);
  for (let b = 0; b < B; b++) {
    for (let l = 0; l < L; l++) {
      const real = l >= (ranges[2 * b] as number) && l < (ranges[2 * b + 1] as number);
      if (!real) data.fill(value, (b * L + l) * D, (b * L + l + 1) * D);
    }
  }
}
