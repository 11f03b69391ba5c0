import { type CaseInput, defineTrainingCase, floats, ints, type OpCase } from "../case.ts";
import { flagLabel, type Flags, pairwise } from "../pairwise.ts";
import { Random } from "../random.ts";
import { causalConv1dBackward } from "../reference/index.ts";
import { padWith } from "./conv.ts";
import { rangesFor } from "./ranges.ts";
import { gradients, lengths, result, windowed } from "./shared.ts";

const convBackwardFlags = ["bias", "silu", "initialState", "range", "dFinalState", "view"] as const;
export type ConvBackwardFlags = Flags<(typeof convBackwardFlags)[number]>;

interface Edits {
  note?: string;
  /** Changes dy and x after they were drawn. */
  edit?: (dy: Float32Array, x: Float32Array) => void;
}

export function convBackwardCase(
  B: number,
  L: number,
  D: number,
  W: number,
  flags: ConvBackwardFlags,
  edits: Edits = {},
): OpCase {
  const { note = "", edit } = edits;
  const label = `B${B} L${L} D${D} W${W}${flagLabel(flags)}${note}`;
  const activation = flags.silu ? ("silu" as const) : undefined;
  return defineTrainingCase({
    op: "causalConv1dBackward",
    label,
    sizes: { B, L, D, W },
    inputs: () => {
      const random = new Random(`causalConv1dBackward ${label}`);
      const dy = random.normals(B * L * D);
      const x = random.normals(B * L * D);
      edit?.(dy, x);
      const place = (input: CaseInput, before: number, after: number) =>
        flags.view ? windowed(input, before, after) : input;
      const state = () => floats(random.normals(B * D * (W - 1)), [B, D, W - 1]);
      return {
        dy: place(floats(dy, [B, L, D]), 1, 2),
        x: place(floats(x, [B, L, D]), D, 0),
        weight: floats(random.normals(D * W, W ** -0.5), [D, W]),
        bias: flags.bias ? floats(random.normals(D), [D]) : undefined,
        initialState: flags.initialState ? state() : undefined,
        dFinalState: flags.dFinalState ? state() : undefined,
        range: flags.range ? ints(rangesFor(B, L), [B, 2]) : undefined,
      };
    },
    run: (kernel, { dy, dFinalState, ...args }) =>
      gradients(kernel.causalConv1dBackward(dy, { ...args, activation }, dFinalState)),
    reference: ({ dy, dFinalState, ...args }) => {
      const grads = causalConv1dBackward(B, L, D, W, dy, { ...args, activation }, dFinalState);
      return {
        d_x: result([B, L, D], grads.x),
        d_weight: result([D, W], grads.weight),
        ...(flags.bias && { d_bias: result([D], grads.bias) }),
        ...(flags.initialState && { d_initialState: result([B, D, W - 1], grads.initialState) }),
      };
    },
  });
}

const set = (...on: (typeof convBackwardFlags)[number][]): ConvBackwardFlags =>
  Object.fromEntries(convBackwardFlags.map((name) => [name, on.includes(name)])) as ConvBackwardFlags;
const widths = [2, 3, 4, 5, 16];

export const causalConv1dBackwardCases = [
  ...lengths.map((L, i) =>
    convBackwardCase((i % 3) + 1, L, [3, 17, 5, 33][i % 4] as number, 4, set("bias", "silu")),
  ),
  ...pairwise(convBackwardFlags).flatMap((flags, i) => [
    convBackwardCase(3, 19, [5, 8, 33][i % 3] as number, widths[i % 5] as number, flags),
    convBackwardCase(2, 130, [17, 4][i % 2] as number, 4, flags),
  ]),
  // Fewer inputs than the state holds: dFinalState reaches the initial state past all of them.
  ...[1, 2, 3].map((L) =>
    convBackwardCase(2, L, 7, 4, set("initialState", "dFinalState"), { note: ", shorter than W" }),
  ),
  convBackwardCase(6, 5, 6, 16, set("initialState", "dFinalState", "range", "silu"), {
    note: ", shorter than W",
  }),
  convBackwardCase(1, 9, 129, 4, set("bias", "silu", "view")),
  convBackwardCase(2, 40, 130, 4, set("bias", "silu"), { note: ", work for several threads" }),
  convBackwardCase(2, 12, 9, 4, set("bias", "silu"), {
    note: ", NaN in one channel of x",
    edit: (_, x) => {
      x[3 * 9 + 4] = NaN;
    },
  }),
  convBackwardCase(2, 12, 9, 4, set("bias", "silu", "initialState"), {
    note: ", NaN in one channel of dy",
    edit: (dy) => {
      dy[(12 + 1) * 9 + 7] = NaN;
    },
  }),
  convBackwardCase(6, 19, 5, 4, set("bias", "silu", "range", "initialState", "dFinalState"), {
    note: ", NaN in all padding",
    edit: (dy, x) => {
      padWith(dy, NaN, 6, 19, 5);
      padWith(x, NaN, 6, 19, 5);
    },
  }),
];
