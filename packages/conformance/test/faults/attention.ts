import type { ArenaTensor } from "../arena.ts";
import { attention, attentionBackward, attentionForward, cachedAttention, type Op } from "../referenceOps.ts";
import { type Fault, fault } from "./fault.ts";

type Args = Parameters<Op<"attention">>[2];

const changed = (name: string, change: (args: Args) => Partial<Args>, seenBy?: RegExp): Fault =>
  fault(
    "attention",
    `attention: ${name}`,
    (arena, sizes, args) => attention(arena, sizes, { ...args, ...change(args) }),
    seenBy,
  );

/** Keys and values with heads in another order: query head h reads key head h mod Hkv. */
const headsInTurn: Op<"attention"> = (arena, sizes, args) => {
  const { heads, kvHeads, keyDim, valueDim, batch, length } = sizes;
  const spread = (x: ArenaTensor, width: number): ArenaTensor => {
    const data = x.values();
    const from = (i: number): number => {
      const [row, head, d] = [Math.floor(i / (heads * width)), Math.floor(i / width) % heads, i % width];
      return (row * kvHeads + (head % kvHeads)) * width + d;
    };
    const spread = Float32Array.from(
      { length: batch * length * heads * width },
      (_, i) => data[from(i)] ?? NaN,
    );
    return arena.result([batch, length, heads * width], spread);
  };
  using k = spread(args.k, keyDim);
  using v = spread(args.v, valueDim);
  return attention(arena, { ...sizes, kvHeads: heads }, { ...args, k, v, kvHeads: heads });
};

/** The padding of y. */
const padsWith =
  (value: number): Op<"attention"> =>
  (arena, sizes, args) => {
    const y = attention(arena, sizes, args) as ArenaTensor;
    const width = sizes.heads * sizes.valueDim;
    args.sequenceIds?.values().forEach((id, i) => {
      if (id < 0) y.elements.fill(value, i * width, (i + 1) * width);
    });
    return y;
  };

/** Ids whose every position differs from those before it. */
const aloneIds: Op<"attention"> = (arena, sizes, args) => {
  using sequenceIds = arena.result(
    [sizes.batch, sizes.length],
    Int32Array.from({ length: sizes.batch * sizes.length }, (_, i) => i),
    "i32",
  );
  return attention(arena, sizes, { ...args, sequenceIds });
};

const cached = (name: string, implementation: Op<"cachedAttention">, seenBy?: RegExp): Fault =>
  fault("cachedAttention", `cached attention: ${name}`, implementation, seenBy);

export const attentionFaults: Fault[] = [
  changed("forgets the scale", () => ({ scale: 1 })),
  changed("ignores sequenceIds", () => ({ sequenceIds: undefined }), /^attention .*\+sequenceIds/),
  changed(
    "ignores sequenceIds, seen by the law",
    () => ({ sequenceIds: undefined }),
    /^laws: attention of 0 x 5/,
  ),
  fault("attention", "attention: sees its own position alone", aloneIds),
  fault("attention", "attention: query heads read key heads in turn", headsInTurn),
  fault("attention", "attention: padding is nearly zero", padsWith(1e-30), /^laws: attention of -1 x 4/),
  fault("attention", "attention: a sum of values that is not divided", (arena, sizes, args) => {
    const y = attention(arena, sizes, args) as ArenaTensor;
    y.elements.set(y.values().map((value) => value * (1 + 1e-4)));
    return y;
  }),
  fault("attentionForward", "attention forward: forgets the scale", (arena, sizes, args) =>
    attentionForward(arena, sizes, { ...args, scale: 1 }),
  ),
  fault(
    "attentionBackward",
    "attention backward: no gradient of the values",
    (arena, sizes, dy, args, ...rest) => {
      const grads = attentionBackward(arena, sizes, dy, args, ...rest);
      (grads.v as ArenaTensor).elements.fill(0, 0, 1);
      return grads;
    },
  ),
  fault(
    "attentionBackward",
    "attention backward: ignores sequenceIds",
    (arena, sizes, dy, args, ...rest) =>
      attentionBackward(arena, sizes, dy, { ...args, sequenceIds: undefined }, ...rest),
    /^laws: gradient of an attention of 0 x 5/,
  ),
  cached("does not write the keys", (arena, sizes, args) => {
    const before = args.keys.values();
    const y = cachedAttention(arena, sizes, args);
    args.keys.set(Float64Array.from(before));
    return y;
  }),
  cached("writes a position too late", (arena, sizes, args) => {
    const later = args.lengths.values().map((length) => length + 1);
    using lengths = arena.result([sizes.batch], later, "i32");
    return cachedAttention(arena, sizes, { ...args, lengths });
  }),
  cached("all rows have the length of the first", (arena, sizes, args) => {
    const [first = 0] = args.lengths.values();
    using lengths = arena.result([sizes.batch], new Int32Array(sizes.batch).fill(first), "i32");
    return cachedAttention(arena, sizes, { ...args, lengths });
  }),
  cached(
    "the bits depend on the capacity of the cache",
    (arena, sizes, args) => {
      const y = cachedAttention(arena, sizes, args) as ArenaTensor;
      if (sizes.capacity % 2) y.elements.set(y.values().map((value) => value * (1 + 2 ** -22)));
      return y;
    },
    /^laws: same bits: cached attention in chunks/,
  ),
  cached(
    "the bits depend on the chunks of a sequence",
    (arena, sizes, args) => {
      const y = cachedAttention(arena, sizes, args) as ArenaTensor;
      if (sizes.length === 1) y.elements.set(y.values().map((value) => value * (1 + 2 ** -22)));
      return y;
    },
    /^laws: same bits: cached attention in chunks/,
  ),
];
