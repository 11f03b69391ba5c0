import type { RouteExpertsArgs, Tensor } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";

/** The experts of each row, by descending score. */
export interface Routing {
  /** i32 [R, K]. No gradient flows into the choice. */
  readonly experts: Tensor;
  /** [R, K], the factors of their outputs. */
  readonly weights: Tensor;
}

/**
 * Chooses `perToken` of E experts for each row of logits [R, E]; see `RouteExpertsArgs` for the three kinds of scores. Gradients flow
 * from the weights into the logits, and not into the bias.
 */
export function routeExperts(run: OpRun, args: RouteExpertsArgs): Routing {
  const { experts, weights } = run.kernel.routeExperts(args);
  run.hold(experts);
  const tracked = run.result(weights, [args.logits], (dWeights, sink) => {
    sink.add(args.logits, () => sink.kernel.routeExpertsBackward(dWeights, args, experts));
  });
  return { experts, weights: tracked };
}
