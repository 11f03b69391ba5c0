import { reference } from "../../src/index.ts";
import type { ArenaTensor } from "../arena.ts";
import { softmax } from "../referenceOps.ts";
import { fault, total } from "./fault.ts";

export const softmaxFaults = [
  fault("softmax", "softmax: exponentials overflow", (arena, { rows, features }, x) => {
    const powers = x.values().map(Math.exp);
    const y = powers.map((value, i) => {
      const row = Math.floor(i / features) * features;
      return value / total(powers.subarray(row, row + features));
    });
    return arena.result(x.shape, rows > 0 ? y : powers);
  }),
  fault("softmax", "softmax: a row of -infinity is even", (arena, sizes, x) => {
    const y = softmax(arena, sizes, x) as ArenaTensor;
    y.elements.set(y.values().map((value) => (Number.isNaN(value) ? 1 / sizes.features : value)));
    return y;
  }),
  fault("softmaxBackward", "softmax backward: of the logarithm", (arena, { features }, dy, y) => {
    const [gradients, values] = [dy.values(), y.values()];
    const dx = gradients.map((gradient, i) => {
      const row = Math.floor(i / features) * features;
      const sum = total(gradients.subarray(row, row + features));
      return gradient - (values[i] ?? NaN) * sum;
    });
    return arena.result(y.shape, dx);
  }),
  fault("softmaxBackward", "softmax backward: the sum over all rows", (arena, sizes, dy, y) => {
    const { rows, features } = sizes;
    const dx = reference.softmaxBackward(1, rows * features, dy.values(), y.values());
    return arena.result(y.shape, dx);
  }),
];
