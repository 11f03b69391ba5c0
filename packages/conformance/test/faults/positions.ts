import type { PositionsArgs } from "@mamba/kernel";
import { reference } from "../../src/index.ts";
import type { Arena, ArenaTensor } from "../arena.ts";
import { maxPositions, maxPositionsBackward, meanPositionsBackward, valuesOf } from "../referenceOps.ts";
import { fault } from "./fault.ts";

type Sizes = { batch: number; length: number; channels: number; sequences: number };
type Args = { [K in keyof PositionsArgs]: ArenaTensor | undefined } & { x: ArenaTensor };

/** The mean over other positions than those that count. */
function meanWith(arena: Arena, sizes: Sizes, args: Args, change: (ids: number[], ranges: number[]) => void) {
  const { batch, length, channels, sequences } = sizes;
  const { x, sequenceIds, ranges } = valuesOf(args);
  const [ids, own] = [Array.from(sequenceIds ?? []), Array.from(ranges ?? [])];
  change(ids, own);
  const rest = args.ranges ? { sequenceIds: ids, ranges: own } : {};
  return arena.result([sequences, channels], reference.meanPositions(batch, length, channels, x, rest));
}

export const positionFaults = [
  fault("meanPositions", "meanPositions: padding within a sequence counts", (arena, sizes, args) =>
    meanWith(arena, sizes, args, (ids, ranges) => {
      for (let s = 0; 2 * s < ranges.length; s++) {
        for (let p = ranges[2 * s] ?? 0; p < (ranges[2 * s + 1] ?? 0) && p < ids.length; p++) {
          if ((ids[p] ?? 0) < 0) ids[p] = s;
        }
      }
    }),
  ),
  fault("meanPositions", "meanPositions: the end of a range counts less", (arena, sizes, args) =>
    meanWith(arena, sizes, args, (_, ranges) => {
      for (let s = 1; s < ranges.length; s += 2) ranges[s] = (ranges[s] ?? 0) - 1;
    }),
  ),
  fault("meanPositions", "meanPositions: of nothing is 0", (arena, sizes, args) => {
    const y = meanWith(arena, sizes, args, () => undefined);
    y.elements.set(y.values().map((value) => (Number.isNaN(value) ? 0 : value)));
    return y;
  }),
  fault("meanPositionsBackward", "meanPositions backward: not divided", (arena, sizes, args) => {
    const { batch, length, channels } = sizes;
    const ones = reference.meanPositionsBackward(
      ...([batch, length, channels] as const),
      args.dy.values().map(() => 1),
      { sequenceIds: args.sequenceIds?.values(), ranges: args.ranges?.values() },
    );
    const dx = meanPositionsBackward(arena, sizes, args) as ArenaTensor;
    dx.elements.set(dx.values().map((value, i) => value / ((ones[i] ?? 0) || 1)));
    return dx;
  }),
  fault("maxPositions", "maxPositions: the last of equal values", (arena, sizes, args) => {
    const { length, channels } = sizes;
    const { y, index } = maxPositions(arena, sizes, args) as { y: ArenaTensor; index: ArenaTensor };
    if (args.ranges) return { y, index };
    const [x, best] = [args.x.values(), y.values()];
    const last = index.values().map((p, i) => {
      const [b, d] = [Math.floor(i / channels), i % channels];
      for (let l = length - 1; l >= 0; l--) {
        if (x[(b * length + l) * channels + d] === best[i]) return b * length + l;
      }
      return p;
    });
    index.elements.set(last);
    return { y, index };
  }),
  fault("maxPositions", "maxPositions: the index is the place in the row", (arena, sizes, args) => {
    const { y, index } = maxPositions(arena, sizes, args) as { y: ArenaTensor; index: ArenaTensor };
    index.elements.set(index.values().map((p) => (p < 0 ? p : p % sizes.length)));
    return { y, index };
  }),
  fault("maxPositions", "maxPositions: NaN is passed over", (arena, sizes, args) => {
    const results = maxPositions(arena, sizes, args) as { y: ArenaTensor; index: ArenaTensor };
    const [x, best] = [args.x.values(), results.y.values()];
    const index = results.index.values();
    results.y.elements.set(
      best.map((value, i) => (Number.isNaN(value) && (index[i] ?? -1) >= 0 ? (x[0] ?? 0) : value)),
    );
    return results;
  }),
  fault(
    "maxPositionsBackward",
    "maxPositions backward: an index outside is clamped",
    (arena, sizes, args) => {
      const index = args.index.values().map((p) => Math.min(Math.max(p, 0), sizes.batch * sizes.length - 1));
      using clamped = arena.result(args.index.shape, index, "i32");
      return maxPositionsBackward(arena, sizes, { ...args, index: clamped });
    },
  ),
];
