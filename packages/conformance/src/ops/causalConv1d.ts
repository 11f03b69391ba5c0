import { defineCase, type Cost, floats, ints, type OpCase } from "../case.ts";
import { asView, bytesOf, cycled, lengths, result } from "../cases/inputs.ts";
import { markOne, padWith, sequenceIdsFor, sequenceKinds } from "../cases/sequenceIds.ts";
import { sigmoid, type Values } from "../math.ts";
import { B, D, defineOp, f32, i32, L, W } from "../opSuite.ts";
import { flagLabel, type Flags, flagSets, pairwise } from "../pairwise.ts";
import { Random } from "../random.ts";
import { sequencesOf } from "../sequences.ts";

/** The arguments of the op as plain numbers, in the shapes of `ConvArgs`. */
export interface ConvValues {
  x: Values;
  weight: Values;
  bias?: Values | undefined;
  activation?: "silu" | undefined;
  initialState?: Values | undefined;
  sequenceIds?: Values | undefined;
}

/**
 * For each sequence alone, with l counting its positions: y[l,d] = act(bias[d] + sum_k weight[d,k] * x[l-(W-1)+k, d]), and the
 * last W-1 inputs of the last sequence [B, D, W-1].
 */
function reference(
  batch: number,
  length: number,
  channels: number,
  width: number,
  { x, weight, bias, activation, initialState, sequenceIds }: ConvValues,
): { y: Float64Array; finalState: Float64Array } {
  const past = width - 1;
  const y = new Float64Array(batch * length * channels);
  const finalState = new Float64Array(batch * channels * past);
  for (let b = 0; b < batch; b++) {
    sequencesOf(sequenceIds, b, length).forEach((positions, index) => {
      for (let d = 0; d < channels; d++) {
        // Inputs before those of the first sequence come from the state: the newest is its last entry.
        const input = (i: number): number => {
          if (i >= 0) return x[(b * length + positions[i]!) * channels + d]!;
          return index === 0 ? (initialState?.[(b * channels + d) * past + past + i] ?? 0) : 0;
        };
        positions.forEach((l, i) => {
          let sum = bias?.[d] ?? 0;
          for (let k = 0; k < width; k++) sum += weight[d * width + k]! * input(i - past + k);
          y[(b * length + l) * channels + d] = activation === "silu" ? sum * sigmoid(sum) : sum;
        });
        for (let k = 0; k < past; k++) {
          finalState[(b * channels + d) * past + k] = input(positions.length - past + k);
        }
      }
    });
  }
  return { y, finalState };
}

const convFlags = ["bias", "silu", "initialState", "sequenceIds", "finalState", "view"] as const;
type ConvFlags = Flags<(typeof convFlags)[number]>;

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
    cost: costOf(B, L, D, W, flags),
    inputs: () => {
      const random = new Random(`causalConv1d ${label}`);
      const data = random.normals(B * L * D);
      edit?.(data);
      const x = floats(data, [B, L, D]);
      return {
        x: flags.view ? asView(x, D, 0) : x,
        weight: floats(random.normals(D * W, W ** -0.5), [D, W]),
        bias: flags.bias ? floats(random.normals(D), [D]) : undefined,
        initialState: flags.initialState ? floats(random.normals(B * D * (W - 1)), [B, D, W - 1]) : undefined,
        sequenceIds: flags.sequenceIds ? ints(sequenceIdsFor(B, L), [B, L]) : undefined,
      };
    },
    run: (kernel, t) => {
      const args = { ...t, activation };
      return flags.finalState ? kernel.causalConv1d(args, { finalState: true }) : kernel.causalConv1d(args);
    },
    reference: (v) => {
      const { y, finalState } = reference(B, L, D, W, { ...v, activation });
      const out = { y: result([B, L, D], y) };
      return flags.finalState ? { ...out, finalState: result([B, D, W - 1], finalState) } : out;
    },
  });
}

const set = flagSets(convFlags);
const widths = [2, 3, 4, 5, 16] as const;

/** Per channel and position: the taps with the bias (2 W), and silu (4). */
function costOf(B: number, L: number, D: number, W: number, flags: ConvFlags): Cost {
  const states = (flags.initialState ? 1 : 0) + (flags.finalState ? 1 : 0);
  const numbers = 2 * B * L * D + D * (W + (flags.bias ? 1 : 0)) + states * B * D * (W - 1);
  return {
    flops: B * L * D * (2 * W + (flags.silu ? 4 : 0)),
    bytes: bytesOf(numbers) + (flags.sequenceIds ? bytesOf(B * L, "i32") : 0),
  };
}

/** Arguments of the minimal calls of the convolution over a sequence. */
export const convArgs = {
  x: f32(B, L, D),
  weight: f32(D, W),
  bias: f32(D),
  initialState: f32(B, D, W - 1),
  sequenceIds: i32(B, L),
};

export const causalConv1d = defineOp("causalConv1d", {
  reference,
  cases: [
    ...lengths.map((L, i) =>
      convCase((i % 3) + 1, L, cycled([3, 17, 5, 33], i), 4, set("bias", "silu", "finalState")),
    ),
    ...pairwise(convFlags).flatMap((flags, i) => [
      convCase(3, 19, cycled([5, 8, 33], i), cycled(widths, i), flags),
      convCase(2, 130, cycled([17, 4], i), 4, flags),
    ]),
    // Fewer inputs than the state holds: part of the old state stays.
    ...[1, 2, 3].map((L) =>
      convCase(2, L, 7, 4, set("initialState", "finalState"), { note: ", shorter than W" }),
    ),
    convCase(2, 5, 6, 16, set("initialState", "finalState", "sequenceIds", "silu"), {
      note: ", shorter than W",
    }),
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
    // Sequences over the lengths of 1 to 20, the boundaries of chunks of 32 to 256 positions, and all kinds of rows.
    ...[1, 2, 3, 5, 20, 65, 140].map((L, i) =>
      convCase(
        sequenceKinds,
        L,
        cycled([3, 5], i),
        cycled(widths, i),
        set("sequenceIds", "finalState", "bias"),
      ),
    ),
    convCase(sequenceKinds, 300, 3, 4, set("sequenceIds", "initialState", "finalState", "silu")),
    convCase(sequenceKinds, 19, 5, 4, set("bias", "silu", "sequenceIds", "initialState", "finalState"), {
      note: ", NaN in all padding",
      edit: (x) => {
        padWith(x, NaN, sequenceKinds, 19, 5);
      },
    }),
    convCase(sequenceKinds, 19, 5, 16, set("sequenceIds", "initialState", "finalState"), {
      note: ", NaN at one position of each row",
      edit: (x) => {
        markOne(x, NaN, sequenceKinds, 19, 5);
      },
    }),
  ],
  benchmarks: [convCase(1, 2048, 1536, 4, set("bias", "silu"))],
  minimal: {
    args: convArgs,
    dense: ["weight", "initialState", "sequenceIds"],
    call: (k, t) => {
      const { y, finalState } = k.causalConv1d(t, { finalState: true });
      return [y, finalState];
    },
  },
  batched: { arguments: ["x", "initialState"] },
  outOfRange: (kernel, scope) => {
    const x = scope.use(kernel.zeros([1, 2, 5], "f32"));
    const width = (W: number) => () =>
      kernel.causalConv1d({ x, weight: scope.use(kernel.zeros([5, W], "f32")) });
    return [
      ["W 1", width(1)],
      ["W 17", width(17)],
    ];
  },
});
