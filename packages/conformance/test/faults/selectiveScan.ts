import type { Arena, ArenaTensor } from "../arena.ts";
import { type Op, selectiveScan } from "../referenceOps.ts";
import { type Fault, fault } from "./fault.ts";
import { asOne, late, newAfterPadding, oneByOne, withoutEnds } from "./sequenceIds.ts";

type Args = Parameters<Op<"selectiveScan">>[2];

/** A scan of other arguments. */
const changed = (name: string, change: (args: Args, arena: Arena) => Args): Fault =>
  fault("selectiveScan", `scan: ${name}`, (arena, sizes, args, want) => {
    const other = change(args, arena);
    const results = selectiveScan(arena, sizes, other, want);
    if (other.delta !== args.delta) other.delta.dispose();
    return results;
  });

/** The arguments with delta and its bias replaced by the steps that another softplus gives. */
function withSoftplus(args: Args, arena: Arena, softplus: (x: number) => number): Args {
  if (!args.deltaSoftplus) return args;
  const bias = args.deltaBias?.values();
  const steps = args.delta.values().map((x, i) => softplus(x + (bias ? (bias[i % bias.length] ?? 0) : 0)));
  const delta = arena.result(args.delta.shape, steps);
  return { ...args, delta, deltaBias: undefined, deltaSoftplus: false };
}

const otherSoftplus = (name: string, softplus: (x: number) => number): Fault =>
  changed(name, (args, arena) => withSoftplus(args, arena, softplus));

/** A scan of other sequences. */
const otherIds = (
  name: string,
  change: (ids: ArrayLike<number>, length: number) => Int32Array,
  seenBy = /^selectiveScan .*\+sequenceIds/,
): Fault =>
  fault(
    "selectiveScan",
    `scan: ${name}`,
    (arena, sizes, args, want) => {
      if (!args.sequenceIds) return selectiveScan(arena, sizes, args, want);
      const ids = change(args.sequenceIds.values(), sizes.length);
      using sequenceIds = arena.result(args.sequenceIds.shape, ids, "i32");
      return selectiveScan(arena, sizes, { ...args, sequenceIds }, want);
    },
    seenBy,
  );

export const selectiveScanFaults = [
  changed("ignores deltaBias", (args) => ({ ...args, deltaBias: undefined })),
  changed("adds deltaBias after the softplus", (args, arena) => {
    const { deltaBias, ...rest } = args;
    if (!deltaBias) return args;
    return { ...withSoftplus(rest, arena, (x) => (x > 20 ? x : Math.log1p(Math.exp(x)))), deltaBias };
  }),
  changed("forgets the D skip", (args) => ({ ...args, D: undefined })),
  changed("forgets the gate", (args) => ({ ...args, z: undefined })),
  changed("ignores initialState", (args) => ({ ...args, initialState: undefined })),
  changed("ignores sequenceIds", (args) => ({ ...args, sequenceIds: undefined })),
  otherIds("does not start sequences", asOne),
  otherIds("does not start sequences, seen by the law", asOne, /^laws: scan of a5 b1 /),
  otherIds("starts a sequence after padding", newAfterPadding),
  otherIds("starts a sequence after padding, seen by the law", newAfterPadding, /^laws: scan of -2 a3 -1 /),
  otherIds("starts a sequence one position late", late),
  otherIds("takes padding for real", withoutEnds),
  fault(
    "selectiveScan",
    "scan: every sequence goes on from initialState",
    (arena, sizes, args, want) => {
      const results = selectiveScan(arena, sizes, args, want);
      if (!args.sequenceIds || !args.initialState) return results;
      const { shape } = args.sequenceIds;
      const y = (results.y as ArenaTensor).elements;
      for (const ids of oneByOne(args.sequenceIds.values(), sizes.length)) {
        using sequenceIds = arena.result(shape, ids, "i32");
        using own = selectiveScan(arena, sizes, { ...args, sequenceIds }).y as ArenaTensor;
        own.values().forEach((value, i) => {
          if ((ids[Math.floor(i / sizes.channels)] ?? -1) >= 0) y[i] = value;
        });
      }
      return results;
    },
    /^selectiveScan .*\+initialState \+sequenceIds/,
  ),
  fault(
    "selectiveScan",
    "scan: NaN of one sequence reaches the next",
    (arena, sizes, args, want) => {
      const results = selectiveScan(arena, sizes, args, want);
      const ids = args.sequenceIds?.values();
      const y = (results.y as ArenaTensor).elements;
      const values = y.slice();
      const { length, channels } = sizes;
      // A state that is multiplied by zero at the start of a sequence keeps its NaN.
      values.forEach((_, i) => {
        const l = Math.floor(i / channels);
        const starts =
          ids && l % length > 0 && (ids[l] ?? -1) >= 0 && (ids[l - 1] ?? -1) >= 0 && ids[l] !== ids[l - 1];
        if (starts) y[i] = (y[i] ?? 0) + 0 * (values[i - channels] ?? 0);
      });
      return results;
    },
    /^selectiveScan .*NaN at one position/,
  ),
  changed("forgets the softplus", (args) => ({ ...args, deltaSoftplus: false })),
  otherSoftplus("softplus is x from 10 on", (x) => (x > 10 ? x : Math.log1p(Math.exp(x)))),
  otherSoftplus("softplus overflows", (x) => Math.log1p(Math.fround(Math.exp(x)))),
  otherSoftplus("softplus is log(1 + exp(x)) in float32", (x) =>
    x > 20 ? x : Math.log(Math.fround(1 + Math.exp(x))),
  ),
  fault(
    "selectiveScan",
    "scan: finalState is lost",
    (arena, sizes, args, want) => {
      const results = selectiveScan(arena, sizes, args, want);
      const state = results.finalState as ArenaTensor | undefined;
      state?.elements.set(state.values().fill(0));
      return results;
    },
    /^laws: scan of \d+ = scans/,
  ),
  fault(
    "selectiveScan",
    "scan: padding is not quite zero",
    (arena, sizes, args, want) => {
      const results = selectiveScan(arena, sizes, args, want);
      const [first = 0] = args.sequenceIds?.values() ?? [];
      // The size of padding that is multiplied by a small number and not left out.
      if (first < 0) (results.y as ArenaTensor).elements.set([1e-20]);
      return results;
    },
    /^laws: scan of -4 a9 /,
  ),
];
