import { pairwise } from "../pairwise.ts";
import { padWith } from "./conv.ts";
import { type ScanFlags, scanCase, scanFlags } from "./scan.ts";
import { lengths } from "./shared.ts";

const set = (...on: (typeof scanFlags)[number][]): ScanFlags =>
  Object.fromEntries(scanFlags.map((name) => [name, on.includes(name)])) as ScanFlags;
const model = set("D", "z", "deltaBias", "softplus", "finalState");
const stateSizes = [1, 4, 8, 16, 32, 64];

/** Fills delta with values in turn. */
const cycle = (target: Float32Array, values: readonly number[]): void => {
  target.forEach((_, i) => (target[i] = values[i % values.length] as number));
};

export const selectiveScanCases = [
  ...lengths.map((L, i) => scanCase((i % 3) + 1, L, [5, 3, 17, 7][i % 4] as number, 16, model)),
  ...stateSizes.flatMap((N, i) => [
    scanCase(2, 33, [3, 5, 17][i % 3] as number, N, model),
    scanCase(1, 129, [7, 33][i % 2] as number, N, set("initialState", "finalState", "D")),
  ]),
  ...[3, 5, 17, 100, 256].map((N) => scanCase(1, 17, 6, N, model, { note: ", unusual state size" })),
  scanCase(1, 3, 130, 16, model, { note: ", many channels" }),
  scanCase(9, 4, 3, 4, model, { note: ", many rows" }),
  scanCase(2, 40, 130, 16, model, { note: ", work for several threads" }),
  scanCase(130, 70, 3, 4, set("D", "z", "deltaBias", "softplus", "initialState", "range", "finalState"), {
    note: ", rows enough to leave time in one piece",
  }),
  ...pairwise(scanFlags).flatMap((flags, i) => [
    scanCase(6, 20, 5, stateSizes[i % 6] as number, flags),
    scanCase(2, 65, [9, 4][i % 2] as number, 16, flags),
  ]),

  scanCase(2, 24, 5, 16, set("softplus", "finalState"), {
    note: ", steps just above and below 0 and 20",
    edit: ({ delta, A }) => {
      cycle(delta, [-1, 0, 1, 19.5, 20, 20.001, 21, 5, 8]);
      A.forEach((a, i) => (A[i] = a * 0.05));
    },
  }),
  scanCase(2, 16, 5, 8, set("softplus"), {
    note: ", steps just above 10, where log1p(exp(x)) differs from x by little",
    edit: ({ delta, A }) => {
      cycle(delta, [10.001, 10.05, 10.1, 10.02, 10.2]);
      A.fill(-1);
    },
    tolerance: {
      nmse: 1e-12,
      reason: "taking x for softplus(x) from 10 on is an NMSE of 5e-12, float32 rounding one of 1e-14",
    },
  }),
  scanCase(2, 33, 5, 16, set("softplus", "deltaBias", "finalState"), {
    note: ", steps below 0.01, where log(1 + x) would lose its digits",
    edit: ({ delta, deltaBias }) => {
      cycle(delta, [-12, -8, -9.5, -5, -11, -7]);
      deltaBias.fill(-1);
    },
  }),
  scanCase(2, 16, 5, 4, set("softplus", "D", "z", "finalState"), {
    note: ", very negative steps",
    edit: ({ delta }) => {
      cycle(delta, [-30, -100, -1000, -3e38, -87, 0.5]);
    },
  }),
  scanCase(2, 16, 6, 4, set("softplus", "finalState"), {
    note: ", huge steps",
    edit: ({ delta, A }) => {
      cycle(delta, [20.5, 30, 60, 88, 89, 100]);
      A.fill(-1);
    },
  }),
  scanCase(1, 9, 4, 8, set("softplus", "finalState"), {
    note: ", steps that overflow exp(delta)",
    edit: ({ delta }) => {
      cycle(delta, [1e4, 2e4, 1.5e4]);
    },
  }),
  scanCase(1, 9, 5, 8, set("finalState", "initialState"), {
    note: ", steps of zero and below",
    edit: ({ delta }) => {
      cycle(delta, [0, -0.5, 0, 0, 0.25, -0.01]);
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
  scanCase(3, 21, 5, 16, set("D", "z", "deltaBias", "softplus", "range", "initialState", "finalState"), {
    note: ", NaN in all padding",
    edit: ({ u, delta, B, C, z }) => {
      for (const data of [u, delta, z]) padWith(data, NaN, 3, 21, 5);
      for (const data of [B, C]) padWith(data, NaN, 3, 21, 16);
    },
  }),
];
