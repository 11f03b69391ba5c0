import { bindAxes } from "../checks/bindAxes.ts";
import { fail } from "../checks/fail.ts";
import { checkFinite, checkInteger } from "../checks/scalars.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

const scorings = ["softmax", "topSoftmax", "sigmoid"] as const;

/** How the logits of a router become scores: see `RouteExpertsArgs`. */
export type RouteScoring = (typeof scorings)[number];

/**
 * The choice of K experts of E for each row:
 * ```
 * softmax        s = softmax(logits) over all experts; the K largest s
 * topSoftmax     the K largest logits; s = softmax over these
 * sigmoid        s = sigmoid(logits); the K largest s + bias
 * weights = (normalize ? s / (sum of the K chosen s + 1e-20) : s) * scale
 * ```
 */
export interface RouteExpertsArgs {
  /** [R, E], E from 1 to 1024 */
  logits: Tensor;
  /** [E], changes the choice, not the weights. Only for "sigmoid". */
  bias?: Tensor | undefined;
  /** K, from 1 to min(E, 64) */
  perToken: number;
  scoring: RouteScoring;
  /** Default false. "topSoftmax" is normalized without it. */
  normalize?: boolean | undefined;
  /** Default 1. */
  scale?: number | undefined;
}

export interface RouteExpertsOp {
  /**
   * experts i32 [R, K] and weights f32 [R, K], by descending score, the lower index first where scores are equal. Every id is in
   * [0, E) and occurs once in its row, also when logits are NaN; the weights are NaN then.
   */
  routeExperts(args: RouteExpertsArgs): { experts: Tensor; weights: Tensor };
}

export interface RouteExpertsTrainingOps {
  /** dWeights [R, K], experts i32 [R, K] of the forward call -> dLogits [R, E]. The bias has no gradient. */
  routeExpertsBackward(dWeights: Tensor, args: RouteExpertsArgs, experts: Tensor): Tensor;
  /**
   * experts i32 [R, K] -> [E]: the fraction of all R·K choices that each expert has. Ids are clamped to [0, E).
   */
  expertLoads(experts: Tensor, expertCount: number): Tensor;
}

export const routeExperts = {
  parameters: ["args"],
  check: (args) => checkRoute("routeExperts", args),
} satisfies OpDefinition<RouteExpertsOp["routeExperts"]>;

export const routeExpertsBackward = {
  parameters: ["dWeights", "args", "experts"],
  check(dWeights, args, experts) {
    const op = "routeExpertsBackward";
    const sizes = checkRoute(op, args);
    const rules = {
      dWeights: { tensor: dWeights, axes: "R K" },
      experts: { tensor: experts, axes: "R K", dtypes: ["i32"], dense: true },
    } as const;
    bindAxes(op, rules, { R: sizes.rows, K: sizes.perToken });
    return sizes;
  },
} satisfies OpDefinition<RouteExpertsTrainingOps["routeExpertsBackward"]>;

export const expertLoads = {
  parameters: ["experts", "expertCount"],
  check(experts, expertCount) {
    const op = "expertLoads";
    const { R, K } = bindAxes(op, {
      experts: { tensor: experts, axes: "R K", dtypes: ["i32"], dense: true },
    });
    checkExpertCount(op, expertCount);
    return { rows: R, perToken: K, expertCount };
  },
} satisfies OpDefinition<RouteExpertsTrainingOps["expertLoads"]>;

/** @throws KernelError `ARGUMENT` unless E is from 1 to 1024 */
export function checkExpertCount(op: string, expertCount: number): void {
  checkInteger(op, "the number of experts E", expertCount, 1, 1024);
}

/** Returns the sizes with the default of `scale`. */
function checkRoute(op: string, { logits, bias, perToken, scoring, scale = 1 }: RouteExpertsArgs) {
  const { R, E } = bindAxes(op, {
    logits: { tensor: logits, axes: "R E" },
    bias: { tensor: bias, axes: "E", dense: true },
  });
  checkExpertCount(op, E);
  if (!scorings.includes(scoring)) {
    fail("ARGUMENT", op, `scoring must be one of ${scorings.join(", ")}, got ${JSON.stringify(scoring)}`);
  }
  if (bias && scoring !== "sigmoid") fail("ARGUMENT", op, `bias belongs to sigmoid, got one for ${scoring}`);
  checkInteger(op, "perToken", perToken, 1, Math.min(E, 64));
  checkFinite(op, "scale", scale);
  return { rows: R, expertCount: E, perToken, scale };
}
