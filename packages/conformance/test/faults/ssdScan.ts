import { reference } from "../../src/index.ts";
import type { ArenaTensor } from "../arena.ts";
import { type Op, ssdExtents, ssdScan, valuesOf } from "../referenceOps.ts";
import { type Fault, fault } from "./fault.ts";
import { asOne, late, newAfterPadding, withoutEnds } from "./sequenceIds.ts";

type Scan = Op<"ssdScan">;
type Args = Parameters<Scan>[2];
type Values = Parameters<typeof reference.ssdScan>[1];
type Extents = Parameters<typeof reference.ssdScan>[0];

const chunk = 64;

/** A scan of other values. */
const ofValues =
  (change: (values: Values, extents: Extents) => Partial<Values>): Scan =>
  (arena, sizes, args, want) => {
    const extents = ssdExtents(sizes);
    const values = { ...valuesOf(args), roundState: true };
    const results = reference.ssdScan(extents, { ...values, ...change(values, extents) });
    const y = arena.result(args.x.shape, results.y);
    const { B, H, P, N } = extents;
    return want ? { y, finalState: arena.result([B, H, P, N], results.finalState) } : { y };
  };

const wrong = (
  name: string,
  change: (values: Values, extents: Extents) => Partial<Values>,
  seenBy = /^ssdScan /,
): Fault => fault("ssdScan", `scan of heads: ${name}`, ofValues(change), seenBy);

/** A scan of other sequences. */
const otherIds = (
  name: string,
  change: (ids: ArrayLike<number>, length: number) => Int32Array,
  seenBy = /^ssdScan .*\+sequenceIds/,
): Fault =>
  wrong(name, ({ sequenceIds }, { L }) => ({ sequenceIds: sequenceIds && change(sequenceIds, L) }), seenBy);

/** A scan with changed results. */
const changed = (
  name: string,
  change: (y: ArenaTensor, finalState: ArenaTensor | undefined, args: Args) => void,
  seenBy?: RegExp,
): Fault =>
  fault(
    "ssdScan",
    `scan of heads: ${name}`,
    (arena, sizes, args, want) => {
      const results = ssdScan(arena, sizes, args, want);
      change(results.y as ArenaTensor, results.finalState as ArenaTensor | undefined, args);
      return results;
    },
    seenBy,
  );

/** Numbers of sequences that start anew with each chunk. */
function restarts(ids: ArrayLike<number> | undefined, B: number, L: number): Int32Array {
  return Int32Array.from({ length: B * L }, (_, i) => {
    const id = ids?.[i] ?? 0;
    return id < 0 ? -1 : 1000 * Math.floor((i % L) / chunk) + (id % 1000);
  });
}

/** The logarithms of decays as differences of float32 sums from the start of each chunk. */
function fromSums({ logDecay }: Values, { L, H }: Extents): Float64Array {
  const sums = new Float64Array(logDecay.length);
  const at = (i: number): boolean => (Math.floor(i / H) % L) % chunk === 0;
  for (let i = 0; i < sums.length; i++) {
    sums[i] = Math.fround((at(i) ? 0 : (sums[i - H] ?? NaN)) + (logDecay[i] ?? NaN));
  }
  return sums.map((sum, i) => (at(i) ? sum : sum - (sums[i - H] ?? NaN)));
}

/** B or C [.., G·N] with the groups of the heads in turn instead of in ranges: one group for each head. */
function inTurn(data: ArrayLike<number>, { H, G, N }: Extents): Float64Array {
  return Float64Array.from({ length: (data.length / (G * N)) * H * N }, (_, i) => {
    const [row, h, n] = [Math.floor(i / (H * N)), Math.floor(i / N) % H, i % N];
    return data[(row * G + (h % G)) * N + n] ?? NaN;
  });
}

export const ssdScanFaults = [
  wrong("ignores initialState", () => ({ initialState: undefined })),
  wrong("forgets the D skip", () => ({ D: undefined })),
  wrong("forgets the weight", ({ weight }) => ({ weight: Float64Array.from(weight, () => 1) })),
  wrong("the state is not carried to the next chunk", ({ sequenceIds }, { B, L }) => ({
    sequenceIds: restarts(sequenceIds, B, L),
  })),
  wrong(
    "decays are differences of sums",
    (values, extents) => ({ logDecay: fromSums(values, extents) }),
    /^ssdScan .*forget the state between/,
  ),
  wrong(
    "the exponential has a bias near 0",
    ({ logDecay }) => ({ logDecay: Float64Array.from(logDecay, (x) => x * (1 + 8e-5)) }),
    /^laws: a scan of heads of 20000 positions with slow decay/,
  ),
  fault("ssdScan", "scan of heads: heads take the groups in turn", (arena, sizes, args, want) => {
    const extents = ssdExtents(sizes);
    const { B, H, P, N } = extents;
    const values = valuesOf(args);
    const own = { ...values, B: inTurn(values.B, extents), C: inTurn(values.C, extents) };
    const results = reference.ssdScan({ ...extents, G: H }, own);
    const y = arena.result(args.x.shape, results.y);
    return want ? { y, finalState: arena.result([B, H, P, N], results.finalState) } : { y };
  }),
  otherIds("ignores sequenceIds", (ids) => new Int32Array(ids.length)),
  otherIds("does not start sequences", asOne),
  otherIds("does not start sequences, seen by the law", asOne, /^laws: ssdScan of a5 b1 /),
  otherIds("starts a sequence after padding", newAfterPadding, /^laws: ssdScan of -2 a3 -1 /),
  otherIds("starts a sequence one position late", late),
  otherIds("takes padding for real", withoutEnds),
  wrong(
    "padding is multiplied by zero",
    ({ x, sequenceIds }, { H, P, L }) => ({
      // Padding reaches the next position, times 0.
      x: Float64Array.from(x, (value, i) => {
        const row = Math.floor(i / (H * P));
        const padding = row % L > 0 && (sequenceIds?.[row - 1] ?? 0) < 0;
        return padding ? value + 0 * (x[i - H * P] ?? 0) : value;
      }),
    }),
    /^ssdScan .*NaN in all padding/,
  ),
  changed(
    "finalState is lost",
    (_, finalState) => finalState?.elements.set(finalState.values().fill(0)),
    /^laws: ssdScan of \d+ = scans/,
  ),
  changed(
    "padding is not quite zero",
    (y, _, { sequenceIds }) => {
      const [first = 0] = sequenceIds?.values() ?? [];
      if (first < 0) y.elements.set([1e-20]);
    },
    /^laws: ssdScan of -4 a9 /,
  ),
  changed(
    "the bits of a sequence depend on its calls",
    (_, finalState, { x }) => {
      const [, length = 0] = x.shape;
      // The state is rounded once more where a call ends inside of a chunk of 128 positions.
      if (length % 128 !== 0)
        finalState?.elements.set(finalState.values().map((value) => value * (1 + 2 ** -22)));
    },
    /^laws: same bits: ssdScan .* in chunks/,
  ),
  changed(
    "not equal to a selective scan",
    (y) => {
      y.elements.set(y.values().map((value) => value * (1 + 1e-4)));
    },
    /^laws: ssdScan = selectiveScan/,
  ),
];
