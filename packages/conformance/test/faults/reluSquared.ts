import { fault } from "./fault.ts";

export const reluSquaredFaults = [
  fault("reluSquared", "relu squared: forgets the square", (arena, _, x) =>
    arena.result(
      x.shape,
      x.values().map((value) => Math.max(value, 0)),
    ),
  ),
  fault(
    "reluSquared",
    "relu squared: hides NaN",
    (arena, _, x) =>
      arena.result(
        x.shape,
        x.values().map((value) => (value > 0 ? value * value : 0)),
      ),
    /^reluSquared .*special values/,
  ),
  fault("reluSquaredBackward", "relu squared backward: forgets the factor 2", (arena, _, dy, x) => {
    const values = x.values();
    return arena.result(
      x.shape,
      dy.values().map((value, i) => value * Math.max(values[i] ?? NaN, 0)),
    );
  }),
];
