import { type Cost, defineCase, type OpCase } from "../case.ts";
import { bytesOf, cycled, result } from "../cases/inputs.ts";
import { markOne, padWith, sequenceKinds } from "../cases/sequenceIds.ts";
import {
  ssdCost,
  ssdData,
  type SsdExtents,
  type SsdExtras,
  type SsdFlags,
  ssdFlags,
  ssdInputs,
  ssdMinimal,
  ssdMinimalArgs,
  ssdScalars,
  type SsdSetting,
  ssdSetting,
  type SsdSize,
  type SsdValues,
} from "../cases/ssdInputs.ts";
import { fillInTurn } from "../cases/scanInputs.ts";
import { defineOp, manyRows } from "../opSuite.ts";
import { flagSets, pairwise } from "../pairwise.ts";
import { sequencesOf } from "../sequences.ts";

/**
 * For each sequence alone, with l counting its positions, and g the group of head h:
 * S[l] = exp(logDecay[l]) S[l-1] + weight[l] x[l] ⊗ B[l,g]
 * y[l] = S[l] · C[l,g] + D x[l], and the last S of the last sequence [B, H, P, N]
 */
function reference(
  { B: batch, L, H, P, G, N }: SsdExtents,
  { x, B, C, logDecay, weight, D, initialState, sequenceIds, roundState }: SsdValues,
): { y: Float64Array; finalState: Float64Array } {
  const y = new Float64Array(batch * L * H * P);
  const S = Float64Array.from(initialState ?? new Float64Array(batch * H * P * N));
  for (let b = 0; b < batch; b++) {
    const row = S.subarray(b * H * P * N, (b + 1) * H * P * N);
    sequencesOf(sequenceIds, b, L).forEach((positions, index) => {
      if (index > 0) row.fill(0);
      for (const l of positions) {
        for (let h = 0; h < H; h++) {
          const at = (b * L + l) * H + h;
          const group = ((b * L + l) * G + Math.floor(h / (H / G))) * N;
          const decay = Math.exp(logDecay[at]!);
          for (let p = 0; p < P; p++) {
            const i = at * P + p;
            const input = weight[at]! * x[i]!;
            let sum = D === undefined ? 0 : D[h]! * x[i]!;
            for (let n = 0; n < N; n++) {
              const j = (h * P + p) * N + n;
              const next = decay * row[j]! + input * B[group + n]!;
              row[j] = roundState ? Math.fround(next) : next;
              sum += row[j] * C[group + n]!;
            }
            y[i] = sum;
          }
        }
      }
    });
  }
  return { y, finalState: S };
}

/** The cost of the scan of these arguments with `states` of its states. */
export function ssdScanCost({ sizes, flags }: SsdSetting, states: number): Cost {
  const { B, L, H, P, N } = sizes;
  const { flops, bytes } = ssdCost(B * L, sizes, flags.D);
  const ids = flags.sequenceIds ? bytesOf(B * L, "i32") : 0;
  return { flops, bytes: bytes + bytesOf(states * B * H * P * N) + ids };
}

export function ssdScanCase(size: SsdSize, flags: SsdFlags, extras: SsdExtras = {}): OpCase {
  const setting = ssdSetting(size, flags, extras);
  const { label, sizes } = setting;
  const { B, L, H, P, N } = sizes;
  return defineCase({
    op: "ssdScan",
    label,
    sizes,
    cost: ssdScanCost(setting, (flags.initialState ? 1 : 0) + (flags.finalState ? 1 : 0)),
    inputs: () => ssdInputs(ssdData("ssdScan", setting), setting),
    run: (kernel, t) => {
      const args = { ...t, ...ssdScalars(sizes) };
      return flags.finalState ? kernel.ssdScan(args, { finalState: true }) : kernel.ssdScan(args);
    },
    reference: (v) => {
      const { y, finalState } = reference(sizes, v);
      const out = { y: result([B, L, H * P], y) };
      return flags.finalState ? { ...out, finalState: result([B, H, P, N], finalState) } : out;
    },
  });
}

const set = flagSets(ssdFlags);
const plain = set("D", "finalState");
const stateful = set("D", "initialState", "finalState");
const everything = set("D", "initialState", "sequenceIds", "finalState");

export const ssdScan = defineOp("ssdScan", {
  reference,
  cases: [
    // Lengths around the chunks of a backend, which are 64 positions or a fraction of them.
    ...[1, 2, 3, 15, 17, 33, 63, 64, 65, 127, 130, 200].map((L, i) =>
      ssdScanCase(
        [
          (i % 3) + 1,
          L,
          cycled([4, 2, 6], i),
          cycled([5, 8, 3], i),
          cycled([1, 2, 3], i),
          cycled([16, 7, 4], i),
        ],
        i % 2 ? stateful : plain,
      ),
    ),
    ...[1, 2, 3, 4, 5, 12, 32, 64, 100, 128, 256].map((N, i) =>
      ssdScanCase([1, 70, 2, cycled([4, 1, 7], i), cycled([1, 2], i), N], stateful),
    ),
    ...[1, 2, 3, 9, 31, 32, 64, 80].map((P, i) =>
      ssdScanCase([1, 67, cycled([3, 1, 2], i), P, 1, cycled([16, 9, 32], i)], stateful),
    ),
    ssdScanCase([1, 70, 2, 64, 1, 128], stateful, { note: ", heads of a model" }),
    ssdScanCase([2, 66, 8, 4, 4, 8], plain, { note: ", groups of two heads" }),
    ssdScanCase([1, 70, 15, 2, 5, 6], plain, { note: ", groups of three heads" }),
    ssdScanCase([1, 65, 24, 3, 1, 8], plain, { note: ", many heads in a group" }),
    ssdScanCase([9, 3, 2, 5, 1, 16], stateful, { note: ", many rows" }),
    ssdScanCase([2, 130, 8, 16, 2, 32], stateful, { note: ", work for several threads" }),
    ssdScanCase([1, 1100, 2, 3, 1, 4], stateful, { note: ", many chunks" }),
    ...pairwise(ssdFlags).flatMap((flags, i) => [
      ssdScanCase([sequenceKinds, 20, 4, 3, 2, cycled([5, 16, 8], i)], flags),
      ssdScanCase([2, 129, 3, cycled([4, 5], i), 1, 6], flags),
    ]),
    ...[1, 2, 3, 5, 63, 64, 65, 130].map((L, i) =>
      ssdScanCase(
        [sequenceKinds, L, 2, cycled([3, 4], i), cycled([1, 2], i), cycled([8, 5], i)],
        set("sequenceIds", "finalState", "D"),
      ),
    ),
    ssdScanCase([sequenceKinds, 200, 2, 3, 1, 5], everything),

    ssdScanCase([1, 100, 2, 3, 1, 8], stateful, {
      note: ", positions that forget the state between slow ones",
      // The sum of the logarithms of a chunk is large: their differences in float32 would lose the small ones.
      edit: ({ logDecay }) => {
        fillInTurn(logDecay, [-0.01, -3000, -0.02, -0.003, -40, -0.01, -0.3, -0.05, -120]);
      },
    }),
    ssdScanCase([1, 80, 2, 3, 1, 8], stateful, {
      note: ", no decay, growth, and weights of zero and below",
      edit: ({ logDecay, weight }) => {
        fillInTurn(logDecay, [0, -0.1, 0.02, 0, -1]);
        fillInTurn(weight, [0.5, 0, -0.3, 1.5]);
      },
    }),
    ssdScanCase([1, 80, 2, 3, 1, 8], stateful, {
      note: ", decays that underflow",
      edit: ({ logDecay }) => {
        fillInTurn(logDecay, [-100, -87, -1e4, -3e38, -0.5, -Infinity]);
      },
    }),

    ssdScanCase([2, 70, 4, 3, 2, 5], stateful, {
      note: ", NaN in one column of the first position of x",
      edit: ({ x }) => {
        x[70 * 12 + 4] = NaN;
      },
    }),
    ssdScanCase([2, 70, 4, 3, 2, 5], stateful, {
      note: ", NaN in C at one position, which no state keeps",
      edit: ({ C }) => {
        C[66 * 10 + 6] = NaN;
      },
    }),
    ssdScanCase([2, 70, 4, 3, 2, 5], stateful, {
      note: ", NaN in one decay",
      edit: ({ logDecay }) => {
        logDecay[(70 + 65) * 4 + 1] = NaN;
      },
    }),
    ssdScanCase([2, 70, 4, 3, 2, 5], stateful, {
      note: ", NaN in one initial state",
      edit: ({ initialState }) => {
        initialState[(5 * 3 + 1) * 5 + 2] = NaN;
      },
    }),
    ...[21, 140].map((L) =>
      ssdScanCase([sequenceKinds, L, 4, 3, 2, 5], everything, {
        note: ", NaN in all padding",
        edit: ({ x, B, C, logDecay, weight }) => {
          padWith(x, NaN, sequenceKinds, L, 12);
          for (const data of [B, C]) padWith(data, NaN, sequenceKinds, L, 10);
          for (const data of [logDecay, weight]) padWith(data, NaN, sequenceKinds, L, 4);
        },
      }),
    ),
    ssdScanCase([sequenceKinds, 140, 4, 3, 2, 5], everything, {
      note: ", NaN in C at one position of each row",
      edit: ({ C }) => {
        markOne(C, NaN, sequenceKinds, 140, 10);
      },
    }),
  ],
  benchmarks: [
    ssdScanCase([1, 2048, 48, 32, 1, 128], set("D", "finalState")),
    ssdScanCase([1, 2048, 24, 64, 1, 128], set("D", "finalState")),
  ],
  minimal: {
    args: ssdMinimalArgs,
    dense: ["D", "initialState", "sequenceIds"],
    call: (k, t) => {
      const { y, finalState } = k.ssdScan({ ...t, ...ssdScalars(ssdMinimal) }, { finalState: true });
      return [y, finalState];
    },
  },
  rows: {
    arguments: ["x", "B", "C", "logDecay", "weight", "initialState"],
    integers: ["sequenceIds"],
    many: [
      ssdScanCase([manyRows, 19, 4, 3, 2, 5], everything),
      ssdScanCase([manyRows, 67, 2, 3, 1, 4], plain),
      ssdScanCase([manyRows, 3, 6, 17, 1, 16], stateful),
    ],
  },
  outOfRange: (kernel, scope) => {
    const zeros = (...shape: number[]) => scope.use(kernel.zeros(shape, "f32"));
    const [x, states, wide, scalars] = [zeros(1, 2, 6), zeros(1, 2, 4), zeros(1, 2, 257), zeros(1, 2, 2)];
    const args = { x, B: states, C: states, logDecay: scalars, weight: scalars, heads: 2, groups: 1 };
    return [
      ["N 257", () => kernel.ssdScan({ ...args, B: wide, C: wide })],
      ["heads 0", () => kernel.ssdScan({ ...args, heads: 0 })],
      ["heads 1.5", () => kernel.ssdScan({ ...args, heads: 1.5 })],
      ["groups 0", () => kernel.ssdScan({ ...args, groups: 0 })],
      ["groups that do not divide heads", () => kernel.ssdScan({ ...args, groups: 4 })],
    ];
  },
});
