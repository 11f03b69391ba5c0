import { reference } from "../../src/index.ts";
import { rmsNorm, rmsNormBackward } from "../referenceOps.ts";
import { fault } from "./fault.ts";

export const rmsNormFaults = [
  fault("rmsNorm", "rmsNorm: skips the tail", (arena, { rows, features }, x, weight, eps) => {
    const y = arena.allocate("f32", x.shape);
    const values = reference.rmsNorm(rows, features, x.values(), weight?.values(), eps);
    y.elements.set(values.subarray(0, values.length - 1));
    return y;
  }),
  fault("rmsNorm", "rmsNorm: eps outside of the root", (arena, sizes, x, weight, eps) =>
    rmsNorm(arena, sizes, x, weight, Math.sqrt(eps)),
  ),
  fault(
    "rmsNormBackward",
    "rmsNorm backward: the scale is a constant",
    (arena, { rows, features }, dy, x, weight, eps) => {
      const [values, w] = [x.values(), weight?.values()];
      const normed = reference.rmsNorm(rows, features, values, undefined, eps);
      const dx = dy.values().map((value, i) => {
        return (value * (w?.[i % features] ?? 1) * (normed[i] ?? 0)) / (values[i] ?? 0);
      });
      const right = reference.rmsNormBackward(rows, features, dy.values(), values, w, eps);
      const results = { dx: arena.result(x.shape, dx) };
      return w ? { ...results, dWeight: arena.result([features], right.dWeight) } : results;
    },
  ),
  fault("rmsNormBackward", "rmsNorm backward: eps outside of the root", (arena, sizes, dy, x, weight, eps) =>
    rmsNormBackward(arena, sizes, dy, x, weight, Math.sqrt(eps)),
  ),
];
