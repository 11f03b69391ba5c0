import type { ElementLossKind } from "@mamba/kernel";
import { reference } from "../../src/index.ts";
import type { ArenaTensor } from "../arena.ts";
import { elementLossWithGradient, valuesOf } from "../referenceOps.ts";
import { type Fault, fault, total } from "./fault.ts";

/** Wrong gradients of one kind, from the right ones. */
const gradient = (
  kind: ElementLossKind,
  name: string,
  change: (dx: number, x: number, i: number) => number,
): Fault =>
  fault(
    "elementLossWithGradient",
    `element loss, ${kind}: ${name}`,
    (arena, sizes, args) => {
      const results = elementLossWithGradient(arena, sizes, args);
      if (args.kind !== kind) return results;
      const [x, tensor] = [args.x.values(), results.dx as ArenaTensor];
      tensor.elements.set(tensor.values().map((value, i) => change(value, x[i] ?? NaN, i)));
      return results;
    },
    new RegExp(`^elementLossWithGradient ${kind}`),
  );

export const elementLossFaults = [
  fault("elementLoss", "element loss: a weight of 0 multiplies", (arena, _, args) => {
    const { kind, delta, x, weight } = args;
    const [loss] = reference.elementLoss({ kind, delta, ...valuesOf(args) });
    const ignored = weight?.values() ?? [];
    const poisoned = x.values().some((value, i) => ignored[i] === 0 && Number.isNaN(value));
    return { loss: arena.result([1], [poisoned ? NaN : (loss ?? NaN)]) };
  }),
  fault("elementLoss", "element loss: divided by the count", (arena, _, args) => {
    const { kind, delta, weight } = args;
    const [loss = NaN] = reference.elementLoss({ kind, delta, ...valuesOf(args) });
    const weights = weight?.values() ?? Float32Array.of(1);
    const mean = total(weights) / weights.length;
    return { loss: arena.result([1], [loss * mean]) };
  }),
  fault("elementLoss", "element loss: the exponential of a large logit overflows", (arena, _, args) => {
    const { kind, delta } = args;
    const [loss = NaN] = reference.elementLoss({ kind, delta, ...valuesOf(args) });
    const overflows = kind === "binaryCrossEntropy" && args.x.values().some((x) => Math.abs(x) > 88);
    return { loss: arena.result([1], [overflows ? Infinity : loss]) };
  }),
  fault("elementLoss", "element loss: the levels of a prediction are read backwards", (arena, _, args) => {
    const { kind, delta } = args;
    const { levels, ...values } = valuesOf(args);
    const loss = reference.elementLoss({ kind, delta, ...values, levels: levels?.slice().reverse() });
    return { loss: arena.result([1], loss) };
  }),
  gradient("squaredError", "half of it", (dx) => dx / 2),
  gradient("huber", "of the square alone", (dx, x) => (Math.abs(x) > 1 ? dx * Math.abs(x) : dx)),
  gradient("binaryCrossEntropy", "of the probability", (dx, x) => dx / (1 + Math.exp(-x))),
  gradient("quantile", "an exact prediction has one", (dx) => (dx === 0 ? 1e-3 : dx)),
];
