import type { ArenaTensor } from "../arena.ts";
import { discretize, discretizeBackward } from "../referenceOps.ts";
import { fault } from "./fault.ts";

export const discretizeFaults = [
  fault("discretize", "discretize: ignores bias", (arena, sizes, args) =>
    discretize(arena, sizes, { ...args, bias: undefined }),
  ),
  fault(
    "discretize",
    "discretize: ignores min",
    (arena, sizes, args) => discretize(arena, { ...sizes, min: 0 }, args),
    /^discretize .*\+limits/,
  ),
  fault(
    "discretize",
    "discretize: ignores max",
    (arena, sizes, args) => discretize(arena, { ...sizes, max: Infinity }, args),
    /^discretize .*\+limits/,
  ),
  fault("discretize", "discretize: clamps the logarithm of the decay apart", (arena, sizes, args) => {
    const { heads, min, max, shape } = sizes;
    const clamped = discretize(arena, sizes, args);
    const free = discretize(arena, { ...sizes, min: 0, max: Infinity }, args);
    const [a, b] = [(clamped as ArenaTensor).values(), (free as ArenaTensor).values()];
    for (const tensor of [clamped, free]) tensor.dispose();
    const wrong =
      max === Infinity && min === 0 ? a : a.map((x, i) => (i % (2 * heads) < heads ? x : (b[i] ?? NaN)));
    return arena.result(shape, wrong);
  }),
  fault(
    "discretizeBackward",
    "discretize backward: a gradient where the weight is clamped",
    (arena, sizes, dy, args) => discretizeBackward(arena, { ...sizes, min: 0, max: Infinity }, dy, args),
    /^discretizeBackward .*\+limits/,
  ),
  fault("discretizeBackward", "discretize backward: no gradient from the decay", (arena, sizes, dy, args) => {
    const { heads } = sizes;
    const grads = discretizeBackward(arena, sizes, dy, args);
    using weightOnly = arena.result(
      dy.shape,
      dy.values().map((x, i) => (i % (2 * heads) < heads ? x : 0)),
    );
    const others = discretizeBackward(arena, sizes, weightOnly, args);
    for (const tensor of [grads.dt, others.A, others.bias]) tensor?.dispose();
    return { ...grads, dt: others.dt };
  }),
];
