import type { ArenaTensor } from "../arena.ts";
import {
  combineExperts,
  combineExpertsBackward,
  expertLinear,
  expertLinearBackwardInput,
  expertLinearBackwardWeight,
  expertLoads,
  type Op,
  routeExperts,
  routeExpertsBackward,
} from "../referenceOps.ts";
import { type Fault, fault } from "./fault.ts";

type RouteArgs = Parameters<Op<"routeExperts">>[2];

const routed = (name: string, change: (args: RouteArgs) => Partial<RouteArgs>): Fault =>
  fault("routeExperts", `router: ${name}`, (arena, sizes, args) =>
    routeExperts(arena, sizes, { ...args, ...change(args) }),
  );

/** The ids of the first row, for all rows. */
const firstRow = (values: ArrayLike<number>, K: number): Int32Array =>
  Int32Array.from({ length: values.length }, (_, i) => values[i % K] ?? 0);

export const expertFaults: Fault[] = [
  routed("forgets the bias", () => ({ bias: undefined })),
  routed("forgets to normalize", () => ({ normalize: false })),
  routed("always normalizes", () => ({ normalize: true })),
  routed("forgets the scale", () => ({ scale: 1 })),
  routed("softmax over the chosen alone", ({ scoring }) => ({
    scoring: scoring === "softmax" ? "topSoftmax" : scoring,
  })),
  fault("routeExperts", "router: ties go to the higher index", (arena, sizes, args) => {
    const { rows, expertCount, perToken } = sizes;
    const logits = args.logits.values();
    const flip = (x: ArrayLike<number>): Float32Array =>
      Float32Array.from({ length: x.length }, (_, i) => {
        const row = Math.floor(i / expertCount);
        return x[row * expertCount + expertCount - 1 - (i % expertCount)] ?? 0;
      });
    using flipped = arena.result([rows, expertCount], flip(logits));
    using bias = args.bias && arena.result([expertCount], flip(args.bias.values()));
    const chosen = routeExperts(arena, sizes, { ...args, logits: flipped, bias });
    const experts = chosen.experts as ArenaTensor;
    experts.elements.set(
      experts
        .values()
        .slice(0, rows * perToken)
        .map((e) => expertCount - 1 - e),
    );
    return chosen;
  }),
  fault(
    "routeExperts",
    "router: an expert twice in a row of NaN",
    (arena, sizes, args) => {
      const chosen = routeExperts(arena, sizes, args);
      if (Number.isNaN(args.logits.values()[0])) (chosen.experts as ArenaTensor).elements.fill(0, 0, 2);
      return chosen;
    },
    /^laws: a row has different experts/,
  ),
  fault(
    "routeExpertsBackward",
    "router: the gradient forgets the scale",
    (arena, sizes, dWeights, args, experts) =>
      routeExpertsBackward(arena, sizes, dWeights, { ...args, scale: 1 }, experts),
  ),
  fault("expertLoads", "loads: counted, not divided", (arena, sizes, experts, count) => {
    const loads = expertLoads(arena, sizes, experts, count) as ArenaTensor;
    loads.elements.set(loads.values().map((load) => load * sizes.rows));
    return loads;
  }),
  fault("expertLinear", "expert product: every row takes the experts of the first", (arena, sizes, args) => {
    const ids = firstRow(args.experts.values(), sizes.perToken);
    using experts = arena.result([sizes.rows, sizes.perToken], ids, "i32");
    return expertLinear(arena, sizes, { ...args, experts });
  }),
  fault(
    "expertLinear",
    "expert product: the first row of x for all experts of a row",
    (arena, sizes, args) => {
      if (sizes.shared) return expertLinear(arena, sizes, args);
      const { rows, perToken, inFeatures } = sizes;
      const x = args.x.values();
      const first = Float32Array.from({ length: x.length }, (_, i) => {
        const row = Math.floor(i / (perToken * inFeatures));
        return x[row * perToken * inFeatures + (i % inFeatures)] ?? 0;
      });
      using repeated = arena.result([rows, perToken, inFeatures], first);
      return expertLinear(arena, sizes, { ...args, x: repeated });
    },
  ),
  fault(
    "expertLinear",
    "expert product: the bits of a row depend on the number of rows",
    (arena, sizes, args) => {
      const y = expertLinear(arena, sizes, args) as ArenaTensor;
      if (sizes.rows > 8) y.elements.set(y.values().map((value) => value * (1 + 2 ** -22)));
      return y;
    },
    /^laws: same bits: expertLinear/,
  ),
  fault(
    "expertLinearBackwardInput",
    "expert backward: every row takes the experts of the first",
    (arena, sizes, dy, weight, experts) => {
      using first = arena.result(experts.shape, firstRow(experts.values(), sizes.perToken), "i32");
      return expertLinearBackwardInput(arena, sizes, dy, weight, first);
    },
  ),
  fault(
    "expertLinearBackwardWeight",
    "expert backward: an expert without choices keeps what its memory held",
    (arena, sizes, dy, x, experts, count) => {
      const { outFeatures, inFeatures, expertCount } = sizes;
      const dWeight = expertLinearBackwardWeight(arena, sizes, dy, x, experts, count) as ArenaTensor;
      const chosen = new Set(experts.values());
      for (let e = 0; e < expertCount; e++) {
        const size = outFeatures * inFeatures;
        if (!chosen.has(e)) dWeight.elements.fill(NaN, e * size, (e + 1) * size);
      }
      return dWeight;
    },
  ),
  fault("combineExperts", "combined experts: weights of 1", (arena, sizes, y, weights) => {
    using ones = arena.result(weights.shape, new Float32Array(sizes.rows * sizes.perToken).fill(1));
    return combineExperts(arena, sizes, y, ones);
  }),
  fault(
    "combineExpertsBackward",
    "combined experts: no gradient of the weights",
    (arena, sizes, dOut, y, weights) => {
      const grads = combineExpertsBackward(arena, sizes, dOut, y, weights);
      (grads.weights as ArenaTensor).elements.fill(0, 0, 1);
      return grads;
    },
  ),
];
