import { pairwise } from "../pairwise.ts";
import { padWith } from "./conv.ts";
import {
  scanBackwardCase,
  scanBackwardFlags,
  type ScanBackwardFlags,
  scanForwardCase,
} from "./scanBackward.ts";

const set = (...on: (typeof scanBackwardFlags)[number][]): ScanBackwardFlags =>
  Object.fromEntries(scanBackwardFlags.map((name) => [name, on.includes(name)])) as ScanBackwardFlags;
const model = set("D", "z", "deltaBias", "softplus");
const stateful = set("D", "z", "deltaBias", "softplus", "initialState", "dFinalState");
const everything = set("D", "z", "deltaBias", "softplus", "initialState", "dFinalState", "range");

/** Around the chunks that a backend may keep boundary states of: 16, 64, 128, 256, 512. */
const chunkLengths = [1, 3, 17, 65, 129, 257, 513];
const stateSizes = [1, 4, 5, 16];

/** Fills delta with values in turn. */
const cycle = (target: Float32Array, values: readonly number[]): void => {
  target.forEach((_, i) => (target[i] = values[i % values.length] as number));
};

export const selectiveScanForwardCases = [
  ...chunkLengths.map((L, i) => scanForwardCase([(i % 3) + 1, L, [5, 3, 17][i % 3] as number, 16], model)),
  ...pairwise(scanBackwardFlags.filter((name) => name !== "dFinalState")).map((flags, i) =>
    scanForwardCase([6, 20, 5, stateSizes[i % 4] as number], { ...flags, dFinalState: false }),
  ),
  scanForwardCase([2, 40, 130, 16], model, { note: ", work for several threads" }),
];

export const selectiveScanBackwardCases = [
  ...chunkLengths.flatMap((L, i) => [
    scanBackwardCase([(i % 3) + 1, L, [5, 3, 17, 7][i % 4] as number, 16], model),
    scanBackwardCase([L < 17 ? 6 : 2, L, [9, 4][i % 2] as number, stateSizes[i % 4] as number], everything),
  ]),
  scanBackwardCase([1, 2049, 3, 4], model),
  ...[1, 4, 5, 8, 16, 17, 32, 64].map((N, i) =>
    scanBackwardCase([2, 33, [3, 5, 17][i % 3] as number, N], stateful, { note: ", state sizes" }),
  ),
  scanBackwardCase([1, 9, 3, 256], model, { note: ", the largest state" }),
  scanBackwardCase([1, 3, 130, 16], model, { note: ", many channels" }),
  scanBackwardCase([9, 4, 3, 4], stateful, { note: ", many rows" }),
  scanBackwardCase([2, 40, 130, 16], stateful, { note: ", work for several threads" }),
  scanBackwardCase([2, 150, 70, 16], stateful, { note: ", channels and chunks for several threads" }),
  scanBackwardCase([6, 150, 70, 5], everything, { note: ", channels and chunks for several threads" }),
  ...pairwise(scanBackwardFlags).flatMap((flags, i) => [
    scanBackwardCase([6, 20, 5, stateSizes[i % 4] as number], flags),
    scanBackwardCase([2, 66, [9, 4][i % 2] as number, 16], flags),
  ]),

  scanBackwardCase([2, 24, 5, 16], set("softplus", "deltaBias"), {
    note: ", steps just above and below 0 and 20",
    edit: ({ delta, deltaBias, A }) => {
      cycle(delta, [-1, 0, 1, 19.5, 20, 20.001, 21, 5, 8]);
      deltaBias.fill(0);
      A.forEach((a, i) => (A[i] = a * 0.05));
    },
  }),
  scanBackwardCase([2, 33, 5, 16], set("softplus", "deltaBias"), {
    note: ", steps below 0.01",
    edit: ({ delta, deltaBias }) => {
      cycle(delta, [-12, -8, -9.5, -5, -11, -7]);
      deltaBias.fill(-1);
    },
  }),
  scanBackwardCase([2, 16, 5, 4], set("softplus", "D", "z"), {
    note: ", very negative steps",
    edit: ({ delta }) => {
      cycle(delta, [-30, -100, -1000, -3e38, -87, 0.5]);
    },
  }),
  scanBackwardCase([2, 16, 6, 4], set("softplus", "initialState"), {
    note: ", huge steps that forget everything",
    edit: ({ delta, A }) => {
      cycle(delta, [20.5, 30, 60, 88, 89, 100]);
      A.fill(-1);
    },
  }),
  scanBackwardCase([1, 9, 4, 8], set("softplus"), {
    note: ", steps that overflow exp(delta)",
    edit: ({ delta, A }) => {
      cycle(delta, [1e4, 2e4, 1.5e4]);
      A.forEach((a, i) => (A[i] = a * 1e-4));
    },
  }),
  scanBackwardCase([1, 9, 5, 8], set("initialState", "dFinalState"), {
    note: ", steps of zero and below",
    edit: ({ delta }) => {
      cycle(delta, [0, -0.5, 0, 0, 0.25, -0.01]);
    },
  }),
  scanBackwardCase([1, 200, 5, 4], stateful, {
    note: ", a memory that reaches over every chunk",
    edit: ({ delta, A }) => {
      cycle(delta, [-6, -7, -5]);
      A.fill(-0.05);
    },
  }),

  scanBackwardCase([2, 11, 9, 8], stateful, {
    note: ", NaN in one channel of u",
    edit: ({ u }) => {
      u[4 * 9 + 6] = NaN;
    },
  }),
  scanBackwardCase([2, 11, 9, 8], stateful, {
    note: ", NaN in one channel of dy",
    edit: ({ dy }) => {
      dy[(11 + 5) * 9 + 8] = NaN;
    },
  }),
  scanBackwardCase([2, 11, 9, 8], stateful, {
    note: ", NaN in one step of delta",
    edit: ({ delta }) => {
      delta[(11 + 3) * 9 + 8] = NaN;
    },
  }),
  scanBackwardCase([2, 11, 9, 8], stateful, {
    note: ", NaN in one gate",
    edit: ({ z }) => {
      z[(11 + 10) * 9 + 3] = NaN;
    },
  }),
  scanBackwardCase([2, 70, 9, 8], stateful, {
    note: ", NaN in one state of dFinalState",
    edit: ({ dFinalState }) => {
      dFinalState[(9 + 2) * 8 + 5] = NaN;
    },
  }),
  scanBackwardCase([6, 21, 5, 16], everything, {
    note: ", NaN in all padding",
    edit: ({ dy, u, delta, B, C, z }) => {
      for (const data of [dy, u, delta, z]) padWith(data, NaN, 6, 21, 5);
      for (const data of [B, C]) padWith(data, NaN, 6, 21, 16);
    },
  }),
  scanBackwardCase([6, 200, 3, 4], everything, {
    note: ", NaN in all padding, over several chunks",
    edit: ({ dy, u, delta, B, C, z }) => {
      for (const data of [dy, u, delta, z]) padWith(data, NaN, 6, 200, 3);
      for (const data of [B, C]) padWith(data, NaN, 6, 200, 4);
    },
  }),
];
