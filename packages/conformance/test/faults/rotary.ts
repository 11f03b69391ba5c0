import type { RotaryPairing } from "@mamba/kernel";
import type { ArenaTensor } from "../arena.ts";
import { type Op, rotary, rotaryBackwardAngles } from "../referenceOps.ts";
import { type Fault, fault } from "./fault.ts";

type Args = Parameters<Op<"rotary">>[2];

const other = (pairing: RotaryPairing): RotaryPairing => (pairing === "half" ? "interleaved" : "half");

/** A rotation of other arguments. */
const changed = (name: string, change: (args: Args) => Args): Fault =>
  fault("rotary", `rotary: ${name}`, (arena, sizes, args) => rotary(arena, sizes, change(args)));

/** The rotation by sines and cosines of other angles. */
const otherAngles = (name: string, change: (angle: number) => number, seenBy?: RegExp): Fault =>
  fault(
    "rotary",
    `rotary: ${name}`,
    (arena, sizes, args) => {
      using angles = arena.result(args.angles.shape, args.angles.values().map(change));
      return rotary(arena, sizes, { ...args, angles });
    },
    seenBy,
  );

export const rotaryFaults = [
  changed("pairs other columns", (args) => ({ ...args, pairing: other(args.pairing) })),
  changed("ignores inverse", (args) => ({ ...args, inverse: false })),
  fault("rotary", "rotary: the other columns are zeros", (arena, sizes, args) => {
    const { headDim, pairs } = sizes;
    const y = rotary(arena, sizes, args);
    const values = (y as ArenaTensor).values();
    (y as ArenaTensor).elements.set(values.map((value, i) => (i % headDim < 2 * pairs ? value : 0)));
    return y;
  }),
  otherAngles(
    "does not reduce large angles",
    (x) => Math.fround(x * (1 + 2 ** -22)),
    /^laws: accuracy of the /,
  ),
  otherAngles("an error of 1e-6", (x) => x + 1e-6, /^laws: accuracy of the /),
  fault("rotaryBackwardAngles", "rotary backward: the sign of the inverse", (arena, sizes, dy, args) =>
    rotaryBackwardAngles(arena, sizes, dy, { ...args, inverse: !args.inverse }),
  ),
  fault("rotaryBackwardAngles", "rotary backward: the last head alone", (arena, sizes, dy, args) => {
    if (args.anglesPerHead) return rotaryBackwardAngles(arena, sizes, dy, args);
    const { heads, headDim } = sizes;
    const last = dy.values().map((x, i) => (Math.floor(i / headDim) % heads === heads - 1 ? x : 0));
    using other = arena.result(dy.shape, last);
    return rotaryBackwardAngles(arena, sizes, other, args);
  }),
];
