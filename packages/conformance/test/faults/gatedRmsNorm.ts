import { type Op, gatedRmsNorm, gatedRmsNormBackward } from "../referenceOps.ts";
import { fault } from "./fault.ts";

type Sizes = Parameters<Op<"gatedRmsNorm">>[1];

/** The statistics of whole rows. */
const whole = (sizes: Sizes): Sizes => ({ ...sizes, groups: 1 });

export const gatedRmsNormFaults = [
  fault("gatedRmsNorm", "gated norm: ignores groups", (arena, sizes, args) =>
    gatedRmsNorm(arena, whole(sizes), args),
  ),
  fault("gatedRmsNorm", "gated norm: the other order", (arena, sizes, args) =>
    gatedRmsNorm(arena, sizes, { ...args, normBeforeGate: !args.normBeforeGate }),
  ),
  fault(
    "gatedRmsNorm",
    "gated norm: ignores eps",
    (arena, sizes, args) => gatedRmsNorm(arena, sizes, { ...args, eps: 0 }),
    /^gatedRmsNorm .*small that eps counts/,
  ),
  fault("gatedRmsNormBackward", "gated norm backward: ignores groups", (arena, sizes, dy, args) =>
    gatedRmsNormBackward(arena, whole(sizes), dy, args),
  ),
  fault("gatedRmsNormBackward", "gated norm backward: the gate has no slope", (arena, sizes, dy, args) => {
    const grads = gatedRmsNormBackward(arena, sizes, dy, args);
    grads.z.dispose();
    return { ...grads, z: arena.result(args.z.shape, args.z.values().fill(0)) };
  }),
  fault(
    "gatedRmsNormBackward",
    "gated norm backward: no gradient through the mean",
    (arena, sizes, dy, args) => {
      // Large eps: the scale is a constant.
      const grads = gatedRmsNormBackward(arena, sizes, dy, args);
      const flat = gatedRmsNormBackward(arena, sizes, dy, { ...args, eps: 1e6 });
      const x = flat.x;
      for (const tensor of [grads.x, flat.z, flat.weight]) tensor.dispose();
      return { ...grads, x };
    },
  ),
];
