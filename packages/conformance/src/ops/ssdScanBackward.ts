import type { Residual } from "@mamba/kernel";
import { type Cost, defineTrainingCase, floats, type OpCase } from "../case.ts";
import { asView, bytesOf, cycled, gradients, result } from "../cases/inputs.ts";
import { fillInTurn } from "../cases/scanInputs.ts";
import { padWith, sequenceKinds } from "../cases/sequenceIds.ts";
import {
  makeSsdResidual,
  type SsdBackwardFlags,
  ssdBackwardFlags,
  ssdCost,
  ssdData,
  type SsdExtents,
  type SsdExtras,
  ssdInputs,
  ssdMinimal,
  ssdMinimalArgs,
  ssdResidualOf,
  ssdScalars,
  type SsdSetting,
  ssdSetting,
  type SsdSize,
  type SsdValues,
} from "../cases/ssdInputs.ts";
import type { Values } from "../math.ts";
import { defineTrainingOp } from "../opSuite.ts";
import { flagSets, pairwise } from "../pairwise.ts";
import { sequencesOf } from "../sequences.ts";

/** The gradients of all arguments of `ssdScan`, also of absent ones. */
type SsdGradients = Record<"x" | "B" | "C" | "logDecay" | "weight" | "D" | "initialState", Float64Array>;

/**
 * For each sequence alone, from its last position to its first, with g = dloss/dS[l]:
 * ```
 * g += dy ⊗ C        dC += S[l]ᵀ dy        dB += weight gᵀ x        dweight = x · g B
 * dx = weight g B + D dy        dD += x · dy        dlogDecay = exp(logDecay) <g, S[l-1]>
 * g *= exp(logDecay) for l-1; the last g of the first sequence is d initialState
 * ```
 */
function reference(
  { B: batch, L, H, P, G, N }: SsdExtents,
  dy: Values,
  { x, B, C, logDecay, weight, D, initialState, sequenceIds }: SsdValues,
  dFinalState?: Values,
): SsdGradients {
  const grads: SsdGradients = {
    x: new Float64Array(batch * L * H * P),
    B: new Float64Array(batch * L * G * N),
    C: new Float64Array(batch * L * G * N),
    logDecay: new Float64Array(batch * L * H),
    weight: new Float64Array(batch * L * H),
    D: new Float64Array(H),
    initialState: Float64Array.from(dFinalState ?? new Float64Array(batch * H * P * N)),
  };
  const size = P * N;
  for (let b = 0; b < batch; b++) {
    const sequences = sequencesOf(sequenceIds, b, L);
    for (let h = 0; h < H; h++) {
      const row = (b * H + h) * size;
      const g = grads.initialState.subarray(row, row + size);
      for (let index = sequences.length - 1; index >= 0; index--) {
        const positions = sequences[index]!;
        if (index < sequences.length - 1) g.fill(0);
        // The state before the first position, then that after each position.
        const S = new Float64Array((positions.length + 1) * size);
        if (index === 0) for (let j = 0; j < size; j++) S[j] = initialState?.[row + j] ?? 0;
        const groupAt = (l: number) => ((b * L + l) * G + Math.floor(h / (H / G))) * N;
        positions.forEach((l, t) => {
          const at = (b * L + l) * H + h;
          for (let p = 0; p < P; p++) {
            for (let n = 0; n < N; n++) {
              const from = t * size + p * N + n;
              const input = weight[at]! * x[at * P + p]! * B[groupAt(l) + n]!;
              S[from + size] = Math.exp(logDecay[at]!) * S[from]! + input;
            }
          }
        });
        for (let t = positions.length - 1; t >= 0; t--) {
          const l = positions[t]!;
          const at = (b * L + l) * H + h;
          const group = groupAt(l);
          const decay = Math.exp(logDecay[at]!);
          for (let p = 0; p < P; p++) {
            const i = at * P + p;
            let gB = 0;
            for (let n = 0; n < N; n++) {
              const j = p * N + n;
              grads.C[group + n]! += S[(t + 1) * size + j]! * dy[i]!;
              g[j]! += dy[i]! * C[group + n]!;
              grads.B[group + n]! += weight[at]! * g[j]! * x[i]!;
              gB += g[j]! * B[group + n]!;
              // The decay at the start of a sequence multiplies zeros: it has no gradient, even when it or g is not finite.
              if (t > 0 || (index === 0 && initialState)) {
                grads.logDecay[at]! += decay * g[j]! * S[t * size + j]!;
              }
              g[j]! *= decay;
            }
            grads.weight[at]! += x[i]! * gB;
            grads.x[i] = weight[at]! * gB + (D === undefined ? 0 : D[h]! * dy[i]!);
            grads.D[h]! += x[i]! * dy[i]!;
          }
        }
      }
    }
  }
  return grads;
}

/**
 * Per head, column and position: for each element of the state S again (3), its gradient g (3), dC, dB, g B (2 each) and <g, S>
 * (2); then dx, dweight and D with its gradient (8).
 */
function costOf({ sizes, flags }: SsdSetting<SsdBackwardFlags>): Cost {
  const { B, L, H, P, G, N } = sizes;
  const { bytes } = ssdCost(B * L, sizes, flags.D);
  const states = (flags.initialState ? 2 : 0) + (flags.dFinalState ? 1 : 0);
  // dy is read where the forward writes y; each argument has a gradient of its size.
  const written = B * L * (H * P + 2 * G * N + 2 * H) + (flags.D ? H : 0);
  return {
    flops: B * L * H * P * (14 * N + 8),
    bytes:
      bytes + bytesOf(written + states * B * H * P * N) + (flags.sequenceIds ? bytesOf(B * L, "i32") : 0),
  };
}

/** Gradients of all arguments that the flags name. */
export function ssdBackwardCase(size: SsdSize, flags: SsdBackwardFlags, extras: SsdExtras = {}): OpCase {
  const setting = ssdSetting(size, flags, extras);
  const { label, sizes } = setting;
  const { B, L, H, P, G, N } = sizes;
  return defineTrainingCase({
    op: "ssdScanBackward",
    label,
    sizes,
    cost: costOf(setting),
    inputs: () => {
      const data = ssdData("ssdScanBackward", setting);
      const dy = floats(data.dy, [B, L, H * P]);
      return {
        dy: flags.view ? asView(dy, 2, 1) : dy,
        dFinalState: flags.dFinalState ? floats(data.dFinalState, [B, H, P, N]) : undefined,
        ...ssdInputs(data, setting),
      };
    },
    prepare: (kernel, { dy: _, dFinalState: __, ...args }) =>
      ssdResidualOf(kernel, { ...args, ...ssdScalars(sizes) }),
    run: (kernel, { dy, dFinalState, ...args }, residual) =>
      gradients(kernel.ssdScanBackward(dy, { ...args, ...ssdScalars(sizes) }, residual, dFinalState)),
    reference: ({ dy, dFinalState, ...args }) => {
      const grads = reference(sizes, dy, args, dFinalState);
      return {
        d_x: result([B, L, H * P], grads.x),
        d_B: result([B, L, G * N], grads.B),
        d_C: result([B, L, G * N], grads.C),
        d_logDecay: result([B, L, H], grads.logDecay),
        d_weight: result([B, L, H], grads.weight),
        ...(flags.D && { d_D: result([H], grads.D) }),
        ...(flags.initialState && { d_initialState: result([B, H, P, N], grads.initialState) }),
      };
    },
  });
}

const set = flagSets(ssdBackwardFlags);
const stateful = set("D", "initialState", "dFinalState");
const everything = set("D", "initialState", "sequenceIds", "dFinalState");

export const ssdScanBackward = defineTrainingOp("ssdScanBackward", {
  reference,
  cases: [
    ...[1, 2, 3, 17, 63, 64, 65, 130, 200].map((L, i) =>
      ssdBackwardCase(
        [
          (i % 3) + 1,
          L,
          cycled([4, 2, 6], i),
          cycled([5, 8, 3], i),
          cycled([1, 2, 3], i),
          cycled([16, 7, 4], i),
        ],
        i % 2 ? set("D") : stateful,
      ),
    ),
    ...[1, 3, 4, 32, 100, 128, 256].map((N, i) =>
      ssdBackwardCase([1, 66, 2, cycled([4, 1, 7], i), cycled([1, 2], i), N], stateful),
    ),
    ...[1, 3, 32, 64, 80].map((P, i) =>
      ssdBackwardCase([1, 67, cycled([3, 1, 2], i), P, 1, cycled([16, 9, 32], i)], stateful),
    ),
    ssdBackwardCase([1, 66, 1, 64, 1, 128], stateful, { note: ", a head of a model" }),
    ssdBackwardCase([2, 66, 8, 4, 4, 8], stateful, { note: ", groups of two heads" }),
    ssdBackwardCase([1, 65, 24, 3, 1, 8], set("D"), { note: ", many heads in a group" }),
    ssdBackwardCase([2, 130, 6, 16, 2, 16], stateful, { note: ", work for several threads" }),
    ssdBackwardCase([1, 600, 2, 3, 1, 4], stateful, { note: ", many chunks" }),
    ...pairwise(ssdBackwardFlags).flatMap((flags, i) => [
      ssdBackwardCase([sequenceKinds, 20, 4, 3, 2, cycled([5, 16, 8], i)], flags),
      ssdBackwardCase([2, 129, 3, cycled([4, 5], i), 1, 6], flags),
    ]),
    ...[1, 3, 63, 65, 130].map((L, i) =>
      ssdBackwardCase(
        [sequenceKinds, L, 2, cycled([3, 4], i), cycled([1, 2], i), cycled([8, 5], i)],
        everything,
      ),
    ),

    ssdBackwardCase([1, 100, 2, 3, 1, 8], stateful, {
      note: ", positions that forget the state between slow ones",
      edit: ({ logDecay }) => {
        fillInTurn(logDecay, [-0.01, -3000, -0.02, -0.003, -40, -0.01, -0.3, -0.05, -120]);
      },
    }),
    ssdBackwardCase([1, 80, 2, 3, 1, 8], stateful, {
      note: ", no decay, growth, and weights of zero and below",
      edit: ({ logDecay, weight }) => {
        fillInTurn(logDecay, [0, -0.1, 0.02, 0, -1]);
        fillInTurn(weight, [0.5, 0, -0.3, 1.5]);
      },
    }),
    ssdBackwardCase([1, 200, 2, 3, 1, 4], stateful, {
      note: ", a state that reaches over every chunk",
      edit: ({ logDecay }) => {
        fillInTurn(logDecay, [-0.002, -0.001, -0.004]);
      },
    }),
    ssdBackwardCase([2, 70, 4, 3, 2, 5], stateful, {
      note: ", NaN in one column of the last position of dy",
      edit: ({ dy }) => {
        dy[139 * 12 + 4] = NaN;
      },
    }),
    ssdBackwardCase([2, 70, 4, 3, 2, 5], stateful, {
      note: ", NaN in one state of dFinalState",
      edit: ({ dFinalState }) => {
        dFinalState[(5 * 3 + 1) * 5 + 2] = NaN;
      },
    }),
    ...[21, 140].map((L) =>
      ssdBackwardCase([sequenceKinds, L, 4, 3, 2, 5], everything, {
        note: ", NaN in all padding",
        edit: ({ dy, x, B, C, logDecay, weight }) => {
          for (const data of [dy, x]) padWith(data, NaN, sequenceKinds, L, 12);
          for (const data of [B, C]) padWith(data, NaN, sequenceKinds, L, 10);
          for (const data of [logDecay, weight]) padWith(data, NaN, sequenceKinds, L, 4);
        },
      }),
    ),
  ],
  benchmarks: [ssdBackwardCase([1, 2048, 24, 64, 1, 128], set("D"))],
  minimal: {
    args: { dy: ssdMinimalArgs.x, ...ssdMinimalArgs, dFinalState: ssdMinimalArgs.initialState },
    dense: ["D", "initialState", "sequenceIds", "dFinalState"],
    prepare: makeSsdResidual,
    call: (k, { dy, dFinalState, ...args }, residual) => {
      // `residual` is the result of `prepare`.
      const grads = k.ssdScanBackward(
        dy,
        { ...args, ...ssdScalars(ssdMinimal) },
        residual as Residual,
        dFinalState,
      );
      return Object.values(gradients(grads));
    },
  },
  batched: {
    arguments: ["dy", "x", "B", "C", "logDecay", "weight", "initialState", "dFinalState"],
    results: ["d_x", "d_B", "d_C", "d_logDecay", "d_weight", "d_initialState"],
  },
});
