import type { ArenaTensor } from "../arena.ts";
import { causalConv1d, type Op } from "../referenceOps.ts";
import { type Fault, fault } from "./fault.ts";
import { asOne, late, newAfterPadding, oneByOne, withoutEnds } from "./sequenceIds.ts";

type Args = Parameters<Op<"causalConv1d">>[2];

const changed = (name: string, change: Partial<Args>, seenBy = /^causalConv1d /): Fault =>
  fault(
    "causalConv1d",
    `conv: ${name}`,
    (arena, sizes, args, want) => causalConv1d(arena, sizes, { ...args, ...change }, want),
    seenBy,
  );

/** A convolution of other sequences. */
const otherIds = (
  name: string,
  change: (ids: ArrayLike<number>, length: number) => Int32Array,
  seenBy = /^causalConv1d .*\+sequenceIds/,
): Fault =>
  fault(
    "causalConv1d",
    `conv: ${name}`,
    (arena, sizes, args, want) => {
      if (!args.sequenceIds) return causalConv1d(arena, sizes, args, want);
      const ids = change(args.sequenceIds.values(), sizes.length);
      using sequenceIds = arena.result(args.sequenceIds.shape, ids, "i32");
      return causalConv1d(arena, sizes, { ...args, sequenceIds }, want);
    },
    seenBy,
  );

export const causalConv1dFaults = [
  fault("causalConv1d", "conv: off by one", (arena, sizes, args, want) => {
    const weight = args.weight.values();
    const later = weight.map((_, i) => (i % sizes.width ? (weight[i - 1] ?? 0) : 0));
    using shifted = arena.result(args.weight.shape, later);
    return causalConv1d(arena, sizes, { ...args, weight: shifted }, want);
  }),
  changed("forgets the bias", { bias: undefined }),
  changed("forgets the activation", { activation: undefined }),
  changed("ignores initialState", { initialState: undefined }, /^laws: conv of \d+ = convs/),
  changed("ignores sequenceIds", { sequenceIds: undefined }),
  changed("ignores sequenceIds, seen by the law", { sequenceIds: undefined }, /^laws: conv of -4 a9 /),
  otherIds("does not start sequences", asOne),
  otherIds("does not start sequences, seen by the law", asOne, /^laws: conv of a5 b1 /),
  otherIds("starts a sequence after padding", newAfterPadding),
  otherIds("compares with the position before, padding or not", newAfterPadding, /^laws: conv of -2 a3 -1 /),
  otherIds("starts a sequence one position late", late),
  otherIds("takes padding for real", withoutEnds),
  fault(
    "causalConv1d",
    "conv: every sequence goes on from initialState",
    (arena, sizes, args, want) => {
      const results = causalConv1d(arena, sizes, args, want);
      if (!args.sequenceIds || !args.initialState) return results;
      const { shape } = args.sequenceIds;
      const y = (results.y as ArenaTensor).elements;
      for (const ids of oneByOne(args.sequenceIds.values(), sizes.length)) {
        using sequenceIds = arena.result(shape, ids, "i32");
        using own = causalConv1d(arena, sizes, { ...args, sequenceIds }).y as ArenaTensor;
        own.values().forEach((value, i) => {
          if ((ids[Math.floor(i / sizes.channels)] ?? -1) >= 0) y[i] = value;
        });
      }
      return results;
    },
    /^causalConv1d .*\+initialState \+sequenceIds/,
  ),
  fault("causalConv1d", "conv: drops old inputs when L < W - 1", (arena, sizes, args, want) => {
    const results = causalConv1d(arena, sizes, args, want);
    const past = sizes.width - 1;
    const state = results.finalState as ArenaTensor | undefined;
    // Keeps only inputs of this call, as if the sequence were never shorter than the state.
    state?.elements.set(state.values().map((x, i) => (i % past < past - sizes.length ? 0 : x)));
    return results;
  }),
  fault("causalConv1d", "conv: padding gets the bias", (arena, sizes, args, want) => {
    const results = causalConv1d(arena, sizes, args, want);
    const padded = args.sequenceIds?.values().findIndex((id) => id < 0) ?? -1;
    // The convolution of zeros: act(bias).
    if (padded >= 0 && args.bias) {
      (results.y as ArenaTensor).elements.set(args.bias.values(), padded * sizes.channels);
    }
    return results;
  }),
];
