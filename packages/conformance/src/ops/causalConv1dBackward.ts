import { type CaseInput, type Cost, defineTrainingCase, floats, ints, type OpCase } from "../case.ts";
import { asView, bytesOf, cycled, gradients, lengths, result } from "../cases/inputs.ts";
import { markOne, padWith, sequenceIdsFor, sequenceKinds } from "../cases/sequenceIds.ts";
import { siluSlope, type Values } from "../math.ts";
import { B, D, defineTrainingOp, f32, L, W } from "../opSuite.ts";
import { flagLabel, type Flags, flagSets, pairwise } from "../pairwise.ts";
import { Random } from "../random.ts";
import { sequencesOf } from "../sequences.ts";
import { convArgs, type ConvValues } from "./causalConv1d.ts";

/** The gradients of all arguments of `causalConv1d`, also of absent ones. */
interface ConvGradients {
  x: Float64Array;
  weight: Float64Array;
  bias: Float64Array;
  initialState: Float64Array;
}

/**
 * For each sequence alone, with s the sum before the activation and ds = dy * act'(s):
 * dbias = sum ds, dweight[d,k] = sum ds[l] * x[l-(W-1)+k], dx[l-(W-1)+k] = sum ds[l] * weight[d,k]. Gradients of
 * inputs before the first sequence belong to `initialState`; `dFinalState` is added to the last W-1 inputs of the last one.
 */
function reference(
  batch: number,
  length: number,
  channels: number,
  width: number,
  dy: Values,
  { x, weight, bias, activation, initialState, sequenceIds }: ConvValues,
  dFinalState?: Values,
): ConvGradients {
  const past = width - 1;
  const grads = {
    x: new Float64Array(batch * length * channels),
    weight: new Float64Array(channels * width),
    bias: new Float64Array(channels),
    initialState: new Float64Array(batch * channels * past),
  };
  for (let b = 0; b < batch; b++) {
    sequencesOf(sequenceIds, b, length).forEach((positions, index, { length: count }) => {
      for (let d = 0; d < channels; d++) {
        const at = (i: number): number => (b * length + positions[i]!) * channels + d;
        const stateAt = (i: number): number => (b * channels + d) * past + past + i;
        const input = (i: number): number => {
          if (i >= 0) return x[at(i)]!;
          return index === 0 ? (initialState?.[stateAt(i)] ?? 0) : 0;
        };
        const add = (i: number, gradient: number): void => {
          if (i >= 0) grads.x[at(i)]! += gradient;
          else if (index === 0) grads.initialState[stateAt(i)]! += gradient;
        };
        positions.forEach((_, i) => {
          let sum = bias?.[d] ?? 0;
          for (let k = 0; k < width; k++) sum += weight[d * width + k]! * input(i - past + k);
          const ds = dy[at(i)]! * (activation === "silu" ? siluSlope(sum) : 1);
          grads.bias[d]! += ds;
          for (let k = 0; k < width; k++) {
            grads.weight[d * width + k]! += ds * input(i - past + k);
            add(i - past + k, ds * weight[d * width + k]!);
          }
        });
        if (dFinalState === undefined || index < count - 1) continue;
        for (let k = 0; k < past; k++) {
          add(positions.length - past + k, dFinalState[(b * channels + d) * past + k]!);
        }
      }
    });
  }
  return grads;
}

const convBackwardFlags = ["bias", "silu", "initialState", "sequenceIds", "dFinalState", "view"] as const;
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
    cost: costOf(B, L, D, W, flags),
    inputs: () => {
      const random = new Random(`causalConv1dBackward ${label}`);
      const dy = random.normals(B * L * D);
      const x = random.normals(B * L * D);
      edit?.(dy, x);
      const place = (input: CaseInput, before: number, after: number) =>
        flags.view ? asView(input, before, after) : input;
      const state = () => floats(random.normals(B * D * (W - 1)), [B, D, W - 1]);
      return {
        dy: place(floats(dy, [B, L, D]), 1, 2),
        x: place(floats(x, [B, L, D]), D, 0),
        weight: floats(random.normals(D * W, W ** -0.5), [D, W]),
        bias: flags.bias ? floats(random.normals(D), [D]) : undefined,
        initialState: flags.initialState ? state() : undefined,
        dFinalState: flags.dFinalState ? state() : undefined,
        sequenceIds: flags.sequenceIds ? ints(sequenceIdsFor(B, L), [B, L]) : undefined,
      };
    },
    run: (kernel, { dy, dFinalState, ...args }) =>
      gradients(kernel.causalConv1dBackward(dy, { ...args, activation }, dFinalState)),
    reference: ({ dy, dFinalState, ...args }) => {
      const grads = reference(B, L, D, W, dy, { ...args, activation }, dFinalState);
      return {
        d_x: result([B, L, D], grads.x),
        d_weight: result([D, W], grads.weight),
        ...(flags.bias && { d_bias: result([D], grads.bias) }),
        ...(flags.initialState && { d_initialState: result([B, D, W - 1], grads.initialState) }),
      };
    },
  });
}

const set = flagSets(convBackwardFlags);
const widths = [2, 3, 4, 5, 16] as const;

/** Per channel and position: the taps again, then the gradients of the inputs and of the taps (2 W each), silu' and dbias (8). */
function costOf(B: number, L: number, D: number, W: number, flags: ConvBackwardFlags): Cost {
  const states = (flags.initialState ? 2 : 0) + (flags.dFinalState ? 1 : 0);
  const numbers = 3 * B * L * D + 2 * D * (W + (flags.bias ? 1 : 0)) + states * B * D * (W - 1);
  return {
    flops: B * L * D * (6 * W + (flags.silu ? 8 : 1)),
    bytes: bytesOf(numbers) + (flags.sequenceIds ? bytesOf(B * L, "i32") : 0),
  };
}

export const causalConv1dBackward = defineTrainingOp("causalConv1dBackward", {
  reference,
  cases: [
    ...lengths.map((L, i) =>
      convBackwardCase((i % 3) + 1, L, cycled([3, 17, 5, 33], i), 4, set("bias", "silu")),
    ),
    ...pairwise(convBackwardFlags).flatMap((flags, i) => [
      convBackwardCase(3, 19, cycled([5, 8, 33], i), cycled(widths, i), flags),
      convBackwardCase(2, 130, cycled([17, 4], i), 4, flags),
    ]),
    // Fewer inputs than the state holds: dFinalState reaches the initial state past all of them.
    ...[1, 2, 3].map((L) =>
      convBackwardCase(2, L, 7, 4, set("initialState", "dFinalState"), { note: ", shorter than W" }),
    ),
    convBackwardCase(sequenceKinds, 5, 6, 16, set("initialState", "dFinalState", "sequenceIds", "silu"), {
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
    ...[1, 2, 3, 5, 20, 65, 140].map((L, i) =>
      convBackwardCase(
        sequenceKinds,
        L,
        cycled([3, 5], i),
        cycled(widths, i),
        set("sequenceIds", "bias", "silu"),
      ),
    ),
    convBackwardCase(sequenceKinds, 300, 3, 4, set("sequenceIds", "initialState", "dFinalState", "silu")),
    convBackwardCase(
      sequenceKinds,
      19,
      5,
      4,
      set("bias", "silu", "sequenceIds", "initialState", "dFinalState"),
      {
        note: ", NaN in all padding",
        edit: (dy, x) => {
          padWith(dy, NaN, sequenceKinds, 19, 5);
          padWith(x, NaN, sequenceKinds, 19, 5);
        },
      },
    ),
    ...[19, 70].map((L) =>
      convBackwardCase(sequenceKinds, L, 5, 4, set("sequenceIds", "initialState", "dFinalState", "silu"), {
        note: ", NaN in dy at one position of each row",
        edit: (dy) => {
          markOne(dy, NaN, sequenceKinds, L, 5);
        },
      }),
    ),
  ],
  benchmarks: [convBackwardCase(1, 2048, 1536, 4, set("bias", "silu"))],
  minimal: {
    args: { dy: f32(B, L, D), ...convArgs, dFinalState: f32(B, D, W - 1) },
    dense: ["weight", "initialState", "sequenceIds", "dFinalState"],
    call: (k, { dy, dFinalState, ...args }) =>
      Object.values(gradients(k.causalConv1dBackward(dy, args, dFinalState))),
  },
  batched: {
    arguments: ["dy", "x", "initialState", "dFinalState"],
    results: ["d_x", "d_initialState"],
  },
});
