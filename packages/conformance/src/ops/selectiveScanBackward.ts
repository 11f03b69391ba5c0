import type { Residual } from "@mamba/kernel";
import { type Cost, defineTrainingCase, type OpCase } from "../case.ts";
import { bytesOf, cycled, gradients, result } from "../cases/inputs.ts";
import {
  type BackwardData,
  makeResidual,
  residualOf,
  type ScanBackwardFlags,
  scanBackwardFlags,
  type Setting,
  settingOf,
  trainingInputs,
} from "../cases/scanBackwardInputs.ts";
import { type Extras, fillInTurn, scanCost } from "../cases/scanInputs.ts";
import { markOne, padWith, sequenceKinds } from "../cases/sequenceIds.ts";
import { sigmoid, siluSlope, softplus, softplusSlope, type Values } from "../math.ts";
import { defineTrainingOp } from "../opSuite.ts";
import { flagSets, pairwise } from "../pairwise.ts";
import { sequencesOf } from "../sequences.ts";
import { scanArgs, type ScanValues } from "./selectiveScan.ts";

/** The gradients of all arguments of `selectiveScan`, also of absent ones. */
type ScanGradients = Record<
  "u" | "delta" | "A" | "B" | "C" | "D" | "z" | "deltaBias" | "initialState",
  Float64Array
>;

/**
 * For each sequence alone, from its last position to its first, with g = dloss/dh[l] and s[l] = sum_n C[l,n] h[l,n] + D u[l]:
 * ```
 * ds = dy silu(z)       dz = dy s silu'(z)       dD += ds u       dC += ds h[l]       g += ds C
 * da = g h[l-1] exp(dt A)     dA += da dt     ddt = sum_n da A + g B u     dB += g dt u     du = ds D + sum_n g dt B
 * ddelta = ddt softplus'(delta + deltaBias)       then g *= exp(dt A) for l-1; the last g of the first sequence is d initialState
 * ```
 */
function reference(
  batch: number,
  length: number,
  channels: number,
  stateSize: number,
  dy: Values,
  { u, delta, A, B, C, D, z, deltaBias, deltaSoftplus, initialState, sequenceIds }: ScanValues,
  dFinalState?: Values,
): ScanGradients {
  const sequence = batch * length * channels;
  const states = batch * channels * stateSize;
  const grads: ScanGradients = {
    u: new Float64Array(sequence),
    delta: new Float64Array(sequence),
    A: new Float64Array(channels * stateSize),
    B: new Float64Array(batch * length * stateSize),
    C: new Float64Array(batch * length * stateSize),
    D: new Float64Array(channels),
    z: new Float64Array(sequence),
    deltaBias: new Float64Array(channels),
    initialState: Float64Array.from(dFinalState ?? new Float64Array(states)),
  };
  const step = (i: number, d: number): { raw: number; dt: number } => {
    const raw = delta[i]! + (deltaBias?.[d] ?? 0);
    return { raw, dt: deltaSoftplus ? softplus(raw) : raw };
  };
  for (let b = 0; b < batch; b++) {
    const sequences = sequencesOf(sequenceIds, b, length);
    for (let d = 0; d < channels; d++) {
      const row = (b * channels + d) * stateSize;
      const g = grads.initialState.subarray(row, row + stateSize);
      for (let index = sequences.length - 1; index >= 0; index--) {
        const positions = sequences[index]!;
        if (index < sequences.length - 1) g.fill(0);
        // The state before the first position, then that after each position.
        const h = new Float64Array((positions.length + 1) * stateSize);
        if (index === 0) for (let n = 0; n < stateSize; n++) h[n] = initialState?.[row + n] ?? 0;
        positions.forEach((l, t) => {
          const i = (b * length + l) * channels + d;
          const { dt } = step(i, d);
          for (let n = 0; n < stateSize; n++) {
            const from = t * stateSize + n;
            const input = dt * B[(b * length + l) * stateSize + n]! * u[i]!;
            h[from + stateSize] = Math.exp(dt * A[d * stateSize + n]!) * h[from]! + input;
          }
        });
        for (let t = positions.length - 1; t >= 0; t--) {
          const l = positions[t]!;
          const i = (b * length + l) * channels + d;
          const { raw, dt } = step(i, d);
          const gate = z === undefined ? 1 : z[i]! * sigmoid(z[i]!);
          const ds = dy[i]! * gate;
          let s = D === undefined ? 0 : D[d]! * u[i]!;
          let du = D === undefined ? 0 : ds * D[d]!;
          let ddt = 0;
          for (let n = 0; n < stateSize; n++) {
            const k = (b * length + l) * stateSize + n;
            const before = h[t * stateSize + n]!;
            const after = h[(t + 1) * stateSize + n]!;
            const a = Math.exp(dt * A[d * stateSize + n]!);
            s += C[k]! * after;
            grads.C[k]! += ds * after;
            g[n]! += ds * C[k]!;
            grads.A[d * stateSize + n]! += g[n]! * before * a * dt;
            grads.B[k]! += g[n]! * dt * u[i]!;
            ddt += g[n]! * before * a * A[d * stateSize + n]! + g[n]! * B[k]! * u[i]!;
            du += g[n]! * dt * B[k]!;
            g[n]! *= a;
          }
          grads.u[i] = du;
          grads.D[d]! += ds * u[i]!;
          if (z !== undefined) grads.z[i] = dy[i]! * s * siluSlope(z[i]!);
          grads.delta[i] = ddt * (deltaSoftplus ? softplusSlope(raw) : 1);
          grads.deltaBias[d]! += grads.delta[i];
        }
      }
    }
  }
  return grads;
}

/**
 * Per channel and position: for each state h again (5), its gradient g (3), dC, dB and the sums over g B (2 each),
 * g exp(dt A) h (2), ddelta and dA (2 each); then the gate, softplus and D with their gradients (25).
 */
function costOf({ sizes: { B, L, D, N }, flags }: Setting): Cost {
  const { bytes } = scanCost(B * L, D, N, flags);
  const states = (flags.initialState ? 2 : 0) + (flags.dFinalState ? 1 : 0);
  const vectors = (flags.D ? 1 : 0) + (flags.deltaBias ? 1 : 0);
  // dy is read where the forward writes y; each argument has a gradient of its size.
  const written = B * L * ((flags.z ? 3 : 2) * D + 2 * N) + D * (N + vectors);
  return {
    flops: B * L * D * (18 * N + 25),
    bytes: bytes + bytesOf(written + states * B * D * N) + (flags.sequenceIds ? bytesOf(B * L, "i32") : 0),
  };
}

/** Gradients of all arguments that the flags name. */
export function scanBackwardCase(
  sizes: readonly [B: number, L: number, D: number, N: number],
  flags: ScanBackwardFlags,
  extras: Extras<BackwardData> = {},
): OpCase {
  const setting = settingOf(sizes, flags, extras);
  const [batch, L, D, N] = sizes;
  const deltaSoftplus = flags.softplus;
  return defineTrainingCase({
    op: "selectiveScanBackward",
    label: setting.label,
    sizes: setting.sizes,
    cost: costOf(setting),
    ...(extras.tolerance && { tolerance: extras.tolerance }),
    inputs: () => {
      const { args, dy, dFinalState } = trainingInputs("selectiveScanBackward", setting);
      return { dy, dFinalState, ...args };
    },
    prepare: (kernel, { dy: _, dFinalState: __, ...args }) => residualOf(kernel, { ...args, deltaSoftplus }),
    run: (kernel, { dy, dFinalState, ...args }, residual) =>
      gradients(kernel.selectiveScanBackward(dy, { ...args, deltaSoftplus }, residual, dFinalState)),
    reference: ({ dy, dFinalState, ...args }) => {
      const grads = reference(batch, L, D, N, dy, { ...args, deltaSoftplus }, dFinalState);
      return {
        d_u: result([batch, L, D], grads.u),
        d_delta: result([batch, L, D], grads.delta),
        d_A: result([D, N], grads.A),
        d_B: result([batch, L, N], grads.B),
        d_C: result([batch, L, N], grads.C),
        ...(flags.D && { d_D: result([D], grads.D) }),
        ...(flags.z && { d_z: result([batch, L, D], grads.z) }),
        ...(flags.deltaBias && { d_deltaBias: result([D], grads.deltaBias) }),
        ...(flags.initialState && { d_initialState: result([batch, D, N], grads.initialState) }),
      };
    },
  });
}

const set = flagSets(scanBackwardFlags);
const model = set("D", "z", "deltaBias", "softplus");
const stateful = set("D", "z", "deltaBias", "softplus", "initialState", "dFinalState");
const everything = set("D", "z", "deltaBias", "softplus", "initialState", "dFinalState", "sequenceIds");

/** Lengths around the likely chunks of a backend, which keeps the states at their boundaries: 16, 64, 128, 256, 512. */
const chunkLengths = [1, 3, 17, 65, 129, 257, 513];
const stateSizes = [1, 4, 5, 16] as const;

export const selectiveScanBackward = defineTrainingOp("selectiveScanBackward", {
  reference,
  cases: [
    ...chunkLengths.flatMap((L, i) => [
      scanBackwardCase([(i % 3) + 1, L, cycled([5, 3, 17, 7], i), 16], model),
      scanBackwardCase([L < 65 ? sequenceKinds : 3, L, cycled([9, 4], i), cycled(stateSizes, i)], everything),
    ]),
    scanBackwardCase([1, 2049, 3, 4], model),
    ...[1, 4, 5, 8, 16, 17, 32, 64].map((N, i) =>
      scanBackwardCase([2, 33, cycled([3, 5, 17], i), N], stateful, { note: ", state sizes" }),
    ),
    scanBackwardCase([1, 9, 3, 256], model, { note: ", the largest state" }),
    scanBackwardCase([1, 3, 130, 16], model, { note: ", many channels" }),
    scanBackwardCase([9, 4, 3, 4], stateful, { note: ", many rows" }),
    scanBackwardCase([2, 40, 130, 16], stateful, { note: ", work for several threads" }),
    scanBackwardCase([2, 150, 70, 16], stateful, { note: ", channels and chunks for several threads" }),
    scanBackwardCase([6, 150, 70, 5], everything, { note: ", channels and chunks for several threads" }),
    ...pairwise(scanBackwardFlags).flatMap((flags, i) => [
      scanBackwardCase([sequenceKinds, 20, 5, cycled(stateSizes, i)], flags),
      scanBackwardCase([2, 66, cycled([9, 4], i), 16], flags),
    ]),

    scanBackwardCase([2, 24, 5, 16], set("softplus", "deltaBias"), {
      note: ", steps just above and below 0 and 20",
      edit: ({ delta, deltaBias, A }) => {
        fillInTurn(delta, [-1, 0, 1, 19.5, 20, 20.001, 21, 5, 8]);
        deltaBias.fill(0);
        A.forEach((a, i) => (A[i] = a * 0.05));
      },
    }),
    scanBackwardCase([2, 33, 5, 16], set("softplus", "deltaBias"), {
      note: ", steps below 0.01",
      edit: ({ delta, deltaBias }) => {
        fillInTurn(delta, [-12, -8, -9.5, -5, -11, -7]);
        deltaBias.fill(-1);
      },
    }),
    scanBackwardCase([2, 16, 5, 4], set("softplus", "D", "z"), {
      note: ", very negative steps",
      edit: ({ delta }) => {
        fillInTurn(delta, [-30, -100, -1000, -3e38, -87, 0.5]);
      },
    }),
    scanBackwardCase([2, 16, 6, 4], set("softplus", "initialState"), {
      note: ", huge steps that forget everything",
      edit: ({ delta, A }) => {
        fillInTurn(delta, [20.5, 30, 60, 88, 89, 100]);
        A.fill(-1);
      },
    }),
    scanBackwardCase([1, 9, 4, 8], set("softplus"), {
      note: ", steps that overflow exp(delta)",
      edit: ({ delta, A }) => {
        fillInTurn(delta, [1e4, 2e4, 1.5e4]);
        A.forEach((a, i) => (A[i] = a * 1e-4));
      },
    }),
    scanBackwardCase([1, 9, 5, 8], set("initialState", "dFinalState"), {
      note: ", steps of zero and below",
      edit: ({ delta }) => {
        fillInTurn(delta, [0, -0.5, 0, 0, 0.25, -0.01]);
      },
    }),
    scanBackwardCase([1, 200, 5, 4], stateful, {
      note: ", a memory that reaches over every chunk",
      edit: ({ delta, A }) => {
        fillInTurn(delta, [-6, -7, -5]);
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
    scanBackwardCase([sequenceKinds, 140, 3, 4], everything),
    ...([21, 200] as const).flatMap((L) => [
      scanBackwardCase([sequenceKinds, L, 5, 16], everything, {
        note: ", NaN in all padding",
        edit: ({ dy, u, delta, B, C, z }) => {
          for (const data of [dy, u, delta, z]) padWith(data, NaN, sequenceKinds, L, 5);
          for (const data of [B, C]) padWith(data, NaN, sequenceKinds, L, 16);
        },
      }),
      scanBackwardCase([sequenceKinds, L, 5, 16], everything, {
        note: ", NaN in dy at one position of each row",
        edit: ({ dy }) => {
          markOne(dy, NaN, sequenceKinds, L, 5);
        },
      }),
      scanBackwardCase([sequenceKinds, L, 5, 16], everything, {
        note: ", NaN in u at one position of each row",
        edit: ({ u }) => {
          markOne(u, NaN, sequenceKinds, L, 5);
        },
      }),
    ]),
  ],
  benchmarks: [scanBackwardCase([1, 2048, 1536, 16], model)],
  minimal: {
    args: { dy: scanArgs.u, ...scanArgs, dFinalState: scanArgs.initialState },
    dense: ["A", "initialState", "sequenceIds", "dFinalState"],
    prepare: makeResidual,
    call: (k, { dy, dFinalState, ...args }, residual) =>
      // `residual` is the result of `prepare`.
      Object.values(gradients(k.selectiveScanBackward(dy, args, residual as Residual, dFinalState))),
  },
  batched: {
    arguments: ["dy", "u", "delta", "B", "C", "z", "initialState", "dFinalState"],
    results: ["d_u", "d_delta", "d_B", "d_C", "d_z", "d_initialState"],
  },
});
