import { reference } from "../../src/index.ts";
import { sequencesOf } from "../../src/sequences.ts";
import { ReferenceKernel } from "../referenceKernel.ts";
import { gradientsOf, type Op, ssdExtents, ssdScanBackward, valuesOf } from "../referenceOps.ts";
import { type Fault, fault, kernelWith } from "./fault.ts";
import { asOne, late, newAfterPadding, withoutEnds } from "./sequenceIds.ts";

type Gradients = typeof reference.ssdScanBackward;
type BackwardParameters = Parameters<Gradients>;
type Extents = BackwardParameters[0];
type Values = BackwardParameters[2];
type Grads = ReturnType<Gradients>;

const right = reference.ssdScanBackward;

/** A scan with these gradients. */
const backwardWith =
  (gradients: Gradients): Op<"ssdScanBackward"> =>
  (arena, sizes, dy, args, _residual, dFinalState) =>
    gradientsOf(
      arena,
      args,
      gradients(ssdExtents(sizes), dy.values(), valuesOf(args), dFinalState?.values()),
    );

const wrong = (name: string, gradients: Gradients, seenBy = /^ssdScanBackward /): Fault =>
  fault("ssdScanBackward", `scan of heads, backward: ${name}`, backwardWith(gradients), seenBy);

/** The gradients of other arguments. */
const of =
  (change: (values: Values, extents: Extents) => Partial<Values>): Gradients =>
  (extents, dy, values, dFinalState) =>
    right(extents, dy, { ...values, ...change(values, extents) }, dFinalState);

/** The gradients with changes. */
const but =
  (change: (grads: Grads, ...args: BackwardParameters) => Partial<Grads>): Gradients =>
  (...args) => {
    const grads = right(...args);
    return { ...grads, ...change(grads, ...args) };
  };

/** The gradients of other sequences. */
const ofIds = (change: (ids: ArrayLike<number>, length: number) => Int32Array): Gradients =>
  of(({ sequenceIds }, { L }) => ({ sequenceIds: sequenceIds && change(sequenceIds, L) }));

/** Adds each chunk's gradients, with its true state but without the gradient from the next one. */
const withoutCarry: Gradients = (extents, dy, values, dFinalState) => {
  const { B, L } = extents;
  const chunk = 64;
  /** Padding outside of [from, to). */
  const within = (from: number, to: number) =>
    Int32Array.from({ length: B * L }, (_, i) =>
      i % L >= from && i % L < to ? (values.sequenceIds?.[i] ?? 0) : -1,
    );
  let total: Grads | undefined;
  for (let from = 0; from < L; from += chunk) {
    const { finalState } = reference.ssdScan(extents, { ...values, sequenceIds: within(0, from) });
    const own = { ...values, initialState: finalState, sequenceIds: within(from, from + chunk) };
    const grads = right(extents, dy, own, from + chunk >= L ? dFinalState : undefined);
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
  return total ?? right(extents, dy, values, dFinalState);
};

/** Adds up in another order, as more threads would. */
const otherBits = but(({ D }) => ({ D: D.map((x) => x * (1 + 2 ** -22)) }));

/** dy of some heads alone. */
const ofHeads = (dy: ArrayLike<number>, { H, P }: Extents, keep: (h: number) => boolean): Float64Array =>
  Float64Array.from(dy, (x, i) => (keep(Math.floor(i / P) % H) ? x : 0));

export const ssdScanBackwardFaults: Fault[] = [
  wrong("the D skip does not reach x", (...args) => {
    const [extents, dy, values, dFinalState] = args;
    return { ...right(...args), x: right(extents, dy, { ...values, D: undefined }, dFinalState).x };
  }),
  wrong("dC misses the last head of a group", (...args) => {
    const [extents, dy, values, dFinalState] = args;
    const size = extents.H / extents.G;
    const others = ofHeads(dy, extents, (h) => size === 1 || h % size < size - 1);
    return { ...right(...args), C: right(extents, others, values, dFinalState).C };
  }),
  wrong(
    "dB is summed over the batch",
    but(({ B }, extents) => {
      const row = B.length / extents.B;
      const sum = reference.sumRows(extents.B, row, B);
      return { B: B.map((_, i) => sum[i % row] ?? NaN) };
    }),
  ),
  wrong("dD of the last row only", (...args) => {
    const [extents, dy, values, dFinalState] = args;
    const { B, L, H, P } = extents;
    const last = Float64Array.from(dy, (x, i) => (i < (B - 1) * L * H * P ? 0 : x));
    return { ...right(...args), D: right(extents, last, values, dFinalState).D };
  }),
  wrong(
    "the gradient of logDecay is that of the decay",
    but(({ logDecay }, _, __, values) => ({
      logDecay: logDecay.map((x, i) => (x === 0 ? 0 : x / Math.exp(values.logDecay[i] ?? NaN))),
    })),
  ),
  wrong(
    "the gradient of logDecay is not quite zero where a sequence starts",
    but(({ logDecay }, { B, L, H }, _, { sequenceIds, initialState }) => {
      const wrongs = logDecay.slice();
      for (let b = 0; b < B; b++) {
        sequencesOf(sequenceIds, b, L).forEach(([first], index) => {
          if (first !== undefined && (index > 0 || !initialState)) wrongs[(b * L + first) * H] = 1e-7;
        });
      }
      return { logDecay: wrongs };
    }),
    /^laws: a decay that multiplies zeros/,
  ),
  wrong("ignores dFinalState", (extents, dy, values) => right(extents, dy, values)),
  wrong(
    "ignores dFinalState, seen by the law of chunks",
    (extents, dy, values) => right(extents, dy, values),
    /^laws: gradient of a ssdScan of \d+ =/,
  ),
  wrong(
    "starts from zero instead of initialState",
    of(() => ({ initialState: undefined })),
  ),
  wrong(
    "ignores sequenceIds",
    of(() => ({ sequenceIds: undefined })),
    /^laws: gradient of a ssdScan of -4 a9 /,
  ),
  wrong("does not start sequences", ofIds(asOne), /^ssdScanBackward .*\+sequenceIds/),
  wrong(
    "starts a sequence after padding",
    ofIds(newAfterPadding),
    /^laws: gradient of a ssdScan of -2 a3 -1 /,
  ),
  wrong("starts a sequence one position late", ofIds(late), /^ssdScanBackward .*\+sequenceIds/),
  wrong("takes padding for real", ofIds(withoutEnds), /^ssdScanBackward .*\+sequenceIds/),
  wrong("the gradient is not carried from chunk to chunk", withoutCarry),
  wrong(
    "not equal to a selective scan",
    but(({ weight }) => ({ weight: weight.map((x) => x * (1 + 1e-4)) })),
    /^laws: gradients of ssdScan = those of an equal selectiveScan/,
  ),
  wrong(
    "a row sees the last row",
    but(({ x }, _, __, values) => {
      const last = values.x[values.x.length - 1] ?? NaN;
      return { x: x.map((value, i) => (i === 0 ? value + 0 * last : value)) };
    }),
    /^laws: rows of a batch .* ssdScanBackward/,
  ),
  fault(
    "ssdScanBackward",
    "scan of heads, backward: no gradient of initialState",
    (arena, sizes, dy, args, residual, dFinalState) => {
      const all = ssdScanBackward(arena, sizes, dy, args, residual, dFinalState);
      const { initialState, ...grads } = all;
      initialState?.dispose();
      return grads;
    },
  ),
  {
    name: "scan of heads, backward: thread counts differ in the last bits",
    op: "ssdScanBackward",
    seenBy: /^ssdScanBackward /,
    open: () => new ReferenceKernel(),
    openVariant: () => kernelWith("ssdScanBackward", backwardWith(otherBits)),
  },
  fault(
    "ssdScanBackward",
    "scan of heads, backward: ends the residual",
    (arena, sizes, dy, args, residual, dFinalState) => {
      const grads = ssdScanBackward(arena, sizes, dy, args, residual, dFinalState);
      residual.dispose();
      return grads;
    },
    /^laws: a residual of a ssdScan serves/,
  ),
];
