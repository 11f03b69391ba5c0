import { reference } from "../../src/index.ts";
import { sigmoid, softplus } from "../../src/math.ts";
import { sequencesOf } from "../../src/sequences.ts";
import { ReferenceKernel } from "../referenceKernel.ts";
import { gradientsOf, type Op, selectiveScanBackward, valuesOf } from "../referenceOps.ts";
import { type Fault, fault, kernelWith } from "./fault.ts";
import { asOne, late, newAfterPadding, withoutEnds } from "./sequenceIds.ts";

type Gradients = typeof reference.selectiveScanBackward;
type ScanParameters = Parameters<Gradients>;
type Values = ScanParameters[5];
type Grads = ReturnType<Gradients>;

const right = reference.selectiveScanBackward;

/** A scan with these gradients. */
const backwardWith =
  (gradients: Gradients): Op<"selectiveScanBackward"> =>
  (arena, { batch, length, channels, stateSize }, dy, args, _residual, dFinalState) => {
    const values = { ...valuesOf(args), deltaSoftplus: args.deltaSoftplus };
    const sizes = [batch, length, channels, stateSize] as const;
    return gradientsOf(arena, args, gradients(...sizes, dy.values(), values, dFinalState?.values()));
  };

const wrong = (name: string, gradients: Gradients, seenBy = /^selectiveScanBackward /): Fault =>
  fault("selectiveScanBackward", `scan backward: ${name}`, backwardWith(gradients), seenBy);

/** The gradients of other arguments. */
const of =
  (change: (values: Values) => Partial<Values>): Gradients =>
  (B, L, D, N, dy, values, dFinalState) =>
    right(B, L, D, N, dy, { ...values, ...change(values) }, dFinalState);

/** The gradients with changes. */
const but =
  (change: (grads: Grads, ...args: ScanParameters) => Partial<Grads>): Gradients =>
  (...args) => {
    const grads = right(...args);
    return { ...grads, ...change(grads, ...args) };
  };

/** The steps before their softplus. */
function steps([, , D, , , { delta, deltaBias }]: ScanParameters): Float64Array {
  return Float64Array.from(delta, (x, i) => x + (deltaBias?.[i % D] ?? 0));
}

/** Runs each chunk of the positions alone, with its true state but without the gradient from the next one. */
const withoutCarry: Gradients = (B, L, D, N, dy, values, dFinalState) => {
  const chunk = 64;
  /** Padding outside of [from, to). */
  const within = (from: number, to: number) =>
    Int32Array.from({ length: B * L }, (_, i) =>
      i % L >= from && i % L < to ? (values.sequenceIds?.[i] ?? 0) : -1,
    );
  let total: Grads | undefined;
  for (let from = 0; from < L; from += chunk) {
    const { finalState } = reference.selectiveScan(B, L, D, N, { ...values, sequenceIds: within(0, from) });
    const chunkValues = { ...values, initialState: finalState, sequenceIds: within(from, from + chunk) };
    const grads = right(B, L, D, N, dy, chunkValues, from + chunk >= L ? dFinalState : undefined);
    const before: Grads | undefined = total;
    total = before
      ? (Object.fromEntries(
          Object.entries(grads).map(([name, data]) => [
            name,
            reference.add(data, before[name as keyof Grads]),
          ]),
        ) as Grads)
      : grads;
  }
  return total ?? right(B, L, D, N, dy, values, dFinalState);
};

/** The gradients of other sequences. */
const ofIds = (change: (ids: ArrayLike<number>, length: number) => Int32Array): Gradients => {
  return (B, L, D, N, dy, values, dFinalState) => {
    const sequenceIds = values.sequenceIds && change(values.sequenceIds, L);
    return right(B, L, D, N, dy, { ...values, sequenceIds }, dFinalState);
  };
};

/** Adds up in another order, as more threads would. */
const otherBits = but(({ A }) => ({ A: A.map((x) => x * (1 + 2 ** -22)) }));

export const selectiveScanBackwardFaults: Fault[] = [
  wrong(
    "the derivative of softplus is missing",
    but((_, ...args) => {
      if (!args[5].deltaSoftplus) return {};
      const bare = {
        ...args[5],
        delta: steps(args).map(softplus),
        deltaBias: undefined,
        deltaSoftplus: false,
      };
      const { delta, deltaBias } = right(args[0], args[1], args[2], args[3], args[4], bare, args[6]);
      return { delta, deltaBias };
    }),
  ),
  wrong(
    "the derivative of softplus overflows",
    but(({ delta }, ...args) => {
      if (!args[5].deltaSoftplus) return {};
      const raw = steps(args);
      return { delta: delta.map((x, i) => ((raw[i] ?? 0) > 88 ? NaN : x)) };
    }),
  ),
  wrong(
    "the derivative of softplus is taken at delta without its bias",
    but(({ delta }, ...args) => {
      const { deltaSoftplus, delta: bare } = args[5];
      if (!deltaSoftplus) return {};
      const raw = steps(args);
      const factor = (i: number) => sigmoid(bare[i] ?? 0) / sigmoid(raw[i] ?? 0);
      return { delta: delta.map((x, i) => (Number.isFinite(factor(i)) ? x * factor(i) : x)) };
    }),
  ),
  wrong(
    "no gradient of the gate",
    but(({ z }) => ({ z: z.fill(0) })),
  ),
  wrong(
    "the gate does not scale dy",
    of(() => ({ z: undefined })),
  ),
  wrong("the gate's gradient forgets the D skip", (...args) => {
    const [B, L, D, N, dy, values, dFinalState] = args;
    const { z } = right(B, L, D, N, dy, { ...values, D: undefined }, dFinalState);
    return { ...right(...args), z };
  }),
  wrong("the D skip does not reach u", (...args) => {
    const [B, L, D, N, dy, values, dFinalState] = args;
    return { ...right(...args), u: right(B, L, D, N, dy, { ...values, D: undefined }, dFinalState).u };
  }),
  wrong(
    "dB is summed over the batch",
    but(({ B: dB }, batch) => {
      const row = dB.length / batch;
      const sum = reference.sumRows(batch, row, dB);
      return { B: dB.map((_, i) => sum[i % row] ?? NaN) };
    }),
  ),
  wrong("dC misses the last channel", (B, L, D, N, dy, values, dFinalState) => {
    const others = Float64Array.from(dy, (x, i) => (D > 1 && i % D === D - 1 ? 0 : x));
    const { C } = right(B, L, D, N, others, values, dFinalState);
    return { ...right(B, L, D, N, dy, values, dFinalState), C };
  }),
  wrong("dD of the last row only", (...args) => {
    const [B, L, D, N, dy, values, dFinalState] = args;
    const last = Float64Array.from(dy, (x, i) => (i < (B - 1) * L * D ? 0 : x));
    return { ...right(...args), D: right(B, L, D, N, last, values, dFinalState).D };
  }),
  wrong("ignores dFinalState", (B, L, D, N, dy, values) => right(B, L, D, N, dy, values)),
  wrong(
    "ignores dFinalState, seen by the law of chunks",
    (B, L, D, N, dy, values) => right(B, L, D, N, dy, values),
    /^laws: gradient of a scan of \d+ =/,
  ),
  wrong(
    "starts from zero instead of initialState",
    of(() => ({ initialState: undefined })),
  ),
  wrong(
    "ignores sequenceIds",
    of(() => ({ sequenceIds: undefined })),
  ),
  wrong(
    "ignores sequenceIds, seen by the law",
    of(() => ({ sequenceIds: undefined })),
    /^laws: gradient of a scan of -4 a9 /,
  ),
  wrong("does not start sequences", ofIds(asOne), /^selectiveScanBackward .*\+sequenceIds/),
  wrong("does not start sequences, seen by the law", ofIds(asOne), /^laws: gradient of a scan of a5 b1 /),
  wrong("starts a sequence after padding", ofIds(newAfterPadding), /^laws: gradient of a scan of -2 a3 -1 /),
  wrong("starts a sequence one position late", ofIds(late), /^selectiveScanBackward .*\+sequenceIds/),
  wrong("takes padding for real", ofIds(withoutEnds), /^selectiveScanBackward .*\+sequenceIds/),
  wrong(
    "padding is multiplied by zero",
    but(({ u }, ...args) => ({ u: u.map((x, i) => x + 0 * (args[4][i] ?? NaN)) })),
  ),
  wrong("the gradient is not carried from chunk to chunk", withoutCarry),
  wrong(
    "the gradient of initialState is taken after the first step",
    but(({ initialState }, ...args) => {
      const [, L, D, N, , { A, deltaSoftplus, sequenceIds }] = args;
      const raw = steps(args);
      const decay = (i: number): number => {
        const [b, d] = [Math.floor(i / (D * N)), Math.floor(i / N) % D];
        const first = sequencesOf(sequenceIds, b, L)[0]?.[0];
        const x = raw[(b * L + (first ?? 0)) * D + d] ?? 0;
        return first !== undefined ? Math.exp((deltaSoftplus ? softplus(x) : x) * (A[i % (D * N)] ?? 0)) : 1;
      };
      return { initialState: initialState.map((x, i) => x / decay(i)) };
    }),
  ),
  wrong(
    "a row sees the last row",
    but(({ u }, ...args) => {
      const last = args[5].u[u.length - 1] ?? NaN;
      return { u: u.map((x, i) => (i === 0 ? x + 0 * last : x)) };
    }),
    /^laws: rows of a batch .* selectiveScanBackward/,
  ),
  fault(
    "selectiveScanBackward",
    "scan backward: no gradient of initialState",
    (arena, sizes, dy, args, residual, dFinalState) => {
      const all = selectiveScanBackward(arena, sizes, dy, args, residual, dFinalState);
      const { initialState, ...grads } = all;
      initialState?.dispose();
      return grads;
    },
  ),
  fault(
    "selectiveScanBackward",
    "scan backward: a gradient of an argument that was not given",
    (arena, sizes, dy, args, residual, dFinalState) => {
      const grads = selectiveScanBackward(arena, sizes, dy, args, residual, dFinalState);
      return { ...grads, D: grads.D ?? arena.allocate("f32", [sizes.channels]) };
    },
  ),
  {
    name: "scan backward: thread counts differ in the last bits",
    op: "selectiveScanBackward",
    seenBy: /^selectiveScanBackward /,
    open: () => new ReferenceKernel(),
    openVariant: () => kernelWith("selectiveScanBackward", backwardWith(otherBits)),
  },
  fault(
    "selectiveScanBackward",
    "scan backward: ends the residual",
    (arena, sizes, dy, args, residual, dFinalState) => {
      const grads = selectiveScanBackward(arena, sizes, dy, args, residual, dFinalState);
      residual.dispose();
      return grads;
    },
    /^laws: a residual of a scan serves/,
  ),
];
