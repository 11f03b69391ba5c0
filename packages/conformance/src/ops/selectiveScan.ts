import { type Cost, defineCase, floats, ints, type OpCase } from "../case.ts";
import { bytesOf, cycled, lengths, result } from "../cases/inputs.ts";
import { markOne, padWith, sequenceIdsFor, sequenceKinds } from "../cases/sequenceIds.ts";
import { drawScan, type Extras, fillInTurn, scanCost, scanInputs } from "../cases/scanInputs.ts";
import { sigmoid, softplus, type Values } from "../math.ts";
import { B, D, defineOp, f32, i32, L, N } from "../opSuite.ts";
import { flagLabel, type Flags, flagSets, pairwise } from "../pairwise.ts";
import { sequencesOf } from "../sequences.ts";

/** The arguments of the op as plain numbers, in the shapes of `ScanArgs`. */
export interface ScanValues {
  u: Values;
  delta: Values;
  A: Values;
  B: Values;
  C: Values;
  D?: Values | undefined;
  z?: Values | undefined;
  deltaBias?: Values | undefined;
  deltaSoftplus?: boolean | undefined;
  initialState?: Values | undefined;
  sequenceIds?: Values | undefined;
}

/**
 * For each sequence alone, with l counting its positions:
 * h[l] = exp(dt[l] * A) * h[l-1] + dt[l] * B[l] * u[l]
 * y[l] = (sum_n C[l,n] * h[l,n] + D * u[l]) * silu(z[l]), and the last h of the last sequence [B, D, N]
 */
function reference(
  batch: number,
  length: number,
  channels: number,
  stateSize: number,
  { u, delta, A, B, C, D, z, deltaBias, deltaSoftplus, initialState, sequenceIds }: ScanValues,
): { y: Float64Array; finalState: Float64Array } {
  const y = new Float64Array(batch * length * channels);
  const h = Float64Array.from(initialState ?? new Float64Array(batch * channels * stateSize));
  for (let b = 0; b < batch; b++) {
    const row = h.subarray(b * channels * stateSize, (b + 1) * channels * stateSize);
    sequencesOf(sequenceIds, b, length).forEach((positions, index) => {
      if (index > 0) row.fill(0);
      for (const l of positions) {
        for (let d = 0; d < channels; d++) {
          const i = (b * length + l) * channels + d;
          const raw = delta[i]! + (deltaBias?.[d] ?? 0);
          const dt = deltaSoftplus ? softplus(raw) : raw;
          let sum = 0;
          for (let n = 0; n < stateSize; n++) {
            const j = d * stateSize + n;
            const k = (b * length + l) * stateSize + n;
            row[j] = Math.exp(dt * A[j]!) * row[j]! + dt * B[k]! * u[i]!;
            sum += C[k]! * row[j];
          }
          if (D !== undefined) sum += D[d]! * u[i]!;
          y[i] = z === undefined ? sum : sum * z[i]! * sigmoid(z[i]!);
        }
      }
    });
  }
  return { y, finalState: h };
}

const scanFlags = [
  "D",
  "z",
  "deltaBias",
  "softplus",
  "initialState",
  "sequenceIds",
  "finalState",
  "view",
] as const;
type ScanFlags = Flags<(typeof scanFlags)[number]>;

function costOf(batch: number, L: number, D: number, N: number, flags: ScanFlags): Cost {
  const { flops, bytes } = scanCost(batch * L, D, N, flags);
  const states = (flags.initialState ? 1 : 0) + (flags.finalState ? 1 : 0);
  return {
    flops,
    bytes: bytes + bytesOf(states * batch * D * N) + (flags.sequenceIds ? bytesOf(batch * L, "i32") : 0),
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
    cost: costOf(batch, L, D, N, flags),
    ...(tolerance && { tolerance }),
    inputs: () => {
      const data = drawScan(`selectiveScan ${label}`, batch * L, batch, D, N, flags.softplus);
      edit?.(data);
      return {
        ...scanInputs(flags.view, data, [batch, L], D, N, flags),
        initialState: flags.initialState ? floats(data.state, [batch, D, N]) : undefined,
        sequenceIds: flags.sequenceIds ? ints(sequenceIdsFor(batch, L), [batch, L]) : undefined,
      };
    },
    run: (kernel, t) => {
      const args = { ...t, deltaSoftplus };
      return flags.finalState ? kernel.selectiveScan(args, { finalState: true }) : kernel.selectiveScan(args);
    },
    reference: (v) => {
      const { y, finalState } = reference(batch, L, D, N, { ...v, deltaSoftplus });
      const out = { y: result([batch, L, D], y) };
      return flags.finalState ? { ...out, finalState: result([batch, D, N], finalState) } : out;
    },
  });
}

const set = flagSets(scanFlags);
const model = set("D", "z", "deltaBias", "softplus", "finalState");
const everything = set("D", "z", "deltaBias", "softplus", "initialState", "sequenceIds", "finalState");
const stateSizes = [1, 4, 8, 16, 32, 64] as const;

/** Arguments of the minimal calls of the scan over a sequence. */
export const scanArgs = {
  u: f32(B, L, D),
  delta: f32(B, L, D),
  A: f32(D, N),
  D: f32(D),
  deltaBias: f32(D),
  B: f32(B, L, N),
  C: f32(B, L, N),
  z: f32(B, L, D),
  initialState: f32(B, D, N),
  sequenceIds: i32(B, L),
};

export const selectiveScan = defineOp("selectiveScan", {
  reference,
  cases: [
    ...lengths.map((L, i) => scanCase((i % 3) + 1, L, cycled([5, 3, 17, 7], i), 16, model)),
    ...stateSizes.flatMap((N, i) => [
      scanCase(2, 33, cycled([3, 5, 17], i), N, model),
      scanCase(1, 129, cycled([7, 33], i), N, set("initialState", "finalState", "D")),
    ]),
    ...[3, 5, 17, 100, 256].map((N) => scanCase(1, 17, 6, N, model, { note: ", unusual state size" })),
    scanCase(1, 3, 130, 16, model, { note: ", many channels" }),
    scanCase(9, 4, 3, 4, model, { note: ", many rows" }),
    scanCase(2, 40, 130, 16, model, { note: ", work for several threads" }),
    scanCase(130, 70, 3, 4, everything, { note: ", rows enough to leave time in one piece" }),
    ...pairwise(scanFlags).flatMap((flags, i) => [
      scanCase(sequenceKinds, 20, 5, cycled(stateSizes, i), flags),
      scanCase(2, 65, cycled([9, 4], i), 16, flags),
    ]),

    scanCase(2, 24, 5, 16, set("softplus", "finalState"), {
      note: ", steps just above and below 0 and 20",
      edit: ({ delta, A }) => {
        fillInTurn(delta, [-1, 0, 1, 19.5, 20, 20.001, 21, 5, 8]);
        A.forEach((a, i) => (A[i] = a * 0.05));
      },
    }),
    scanCase(2, 16, 5, 8, set("softplus"), {
      note: ", steps just above 10, where log1p(exp(x)) differs from x by little",
      edit: ({ delta, A }) => {
        fillInTurn(delta, [10.001, 10.05, 10.1, 10.02, 10.2]);
        A.fill(-1);
      },
      tolerance: {
        nmse: 1e-12,
        reason: "taking x for softplus(x) from 10 on is an NMSE of 2e-11, float32 rounding one of 1e-14",
      },
    }),
    scanCase(2, 33, 5, 16, set("softplus", "deltaBias", "finalState"), {
      note: ", steps below 0.01, where log(1 + x) would lose its digits",
      edit: ({ delta, deltaBias }) => {
        fillInTurn(delta, [-12, -8, -9.5, -5, -11, -7]);
        deltaBias.fill(-1);
      },
    }),
    scanCase(2, 16, 5, 4, set("softplus", "D", "z", "finalState"), {
      note: ", very negative steps",
      edit: ({ delta }) => {
        fillInTurn(delta, [-30, -100, -1000, -3e38, -87, 0.5]);
      },
    }),
    scanCase(2, 16, 6, 4, set("softplus", "finalState"), {
      note: ", huge steps",
      edit: ({ delta, A }) => {
        fillInTurn(delta, [20.5, 30, 60, 88, 89, 100]);
        A.fill(-1);
      },
    }),
    scanCase(1, 9, 4, 8, set("softplus", "finalState"), {
      note: ", steps that overflow exp(delta)",
      edit: ({ delta }) => {
        fillInTurn(delta, [1e4, 2e4, 1.5e4]);
      },
    }),
    scanCase(1, 9, 5, 8, set("finalState", "initialState"), {
      note: ", steps of zero and below",
      edit: ({ delta }) => {
        fillInTurn(delta, [0, -0.5, 0, 0, 0.25, -0.01]);
      },
    }),

    scanCase(2, 11, 9, 8, model, {
      note: ", NaN in one channel of u",
      edit: ({ u }) => {
        u[4 * 9 + 6] = NaN;
      },
    }),
    scanCase(2, 11, 9, 8, model, {
      note: ", NaN in one step of delta",
      edit: ({ delta }) => {
        delta[(11 + 3) * 9 + 8] = NaN;
      },
    }),
    scanCase(2, 11, 9, 8, model, {
      note: ", NaN in C at one position, which no state keeps",
      edit: ({ C }) => {
        C[5 * 8 + 2] = NaN;
      },
    }),
    scanCase(2, 11, 9, 8, model, {
      note: ", infinity in one channel of u, NaN in one gate",
      edit: ({ u, z }) => {
        u[2 * 9 + 1] = Infinity;
        z[(11 + 10) * 9 + 3] = NaN;
      },
    }),
    scanCase(2, 11, 9, 8, set("initialState", "finalState"), {
      note: ", NaN in one initial state",
      edit: ({ state }) => {
        state[(9 + 2) * 8 + 5] = NaN;
      },
    }),
    // Sequences of 1 to 20 positions, over the boundaries of chunks of 16 to 256 positions, in all kinds of rows.
    ...[1, 2, 3, 5, 33, 65, 140].map((L, i) =>
      scanCase(
        sequenceKinds,
        L,
        cycled([3, 5], i),
        cycled([16, 5, 1, 8], i),
        set("sequenceIds", "finalState"),
      ),
    ),
    scanCase(sequenceKinds, 300, 3, 16, everything),
    scanCase(3, 520, 3, 4, everything),
    ...[21, 140].map((L) =>
      scanCase(sequenceKinds, L, 5, 16, everything, {
        note: ", NaN in all padding",
        edit: ({ u, delta, B, C, z }) => {
          for (const data of [u, delta, z]) padWith(data, NaN, sequenceKinds, L, 5);
          for (const data of [B, C]) padWith(data, NaN, sequenceKinds, L, 16);
        },
      }),
    ),
    ...[21, 140].map((L) =>
      scanCase(sequenceKinds, L, 5, 16, everything, {
        note: ", NaN at one position of each row",
        edit: ({ u }) => {
          markOne(u, NaN, sequenceKinds, L, 5);
        },
      }),
    ),
  ],
  benchmarks: [scanCase(1, 2048, 1536, 16, set("D", "z", "deltaBias", "softplus"))],
  minimal: {
    args: scanArgs,
    dense: ["A", "initialState", "sequenceIds"],
    call: (k, t) => {
      const { y, finalState } = k.selectiveScan(t, { finalState: true });
      return [y, finalState];
    },
  },
  batched: { arguments: ["u", "delta", "B", "C", "z", "initialState"] },
  outOfRange: (kernel, scope) => {
    const u = scope.use(kernel.zeros([1, 1, 2], "f32"));
    const A = scope.use(kernel.zeros([2, 257], "f32"));
    const B = scope.use(kernel.zeros([1, 1, 257], "f32"));
    return [["N 257", () => kernel.selectiveScan({ u, delta: u, A, B, C: B })]];
  },
});
