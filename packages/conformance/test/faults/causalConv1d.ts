import type { ArenaTensor } from "../arena.ts";
import { causalConv1d, type Op } from "../referenceOps.ts";
import { type Fault, fault } from "./fault.ts";

type Args = Parameters<Op<"causalConv1d">>[2];

const changed = (name: string, change: Partial<Args>, seenBy = /^causalConv1d /): Fault =>
  fault(
    "causalConv1d",
    `conv: ${name}`,
    (arena, sizes, args, want) => causalConv1d(arena, sizes, { ...args, ...change }, want),
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
  changed("ignores range", { range: undefined }, /^laws: conv of \[/),
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
    if (args.range && args.bias) {
      // The convolution of zeros: act(bias).
      const [, end = 0] = args.range.values();
      const y = results.y as ArenaTensor;
      if (end < sizes.length) y.elements.set(args.bias.values(), end * sizes.channels);
    }
    return results;
  }),
];
