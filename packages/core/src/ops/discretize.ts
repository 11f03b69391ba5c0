import type { DiscretizeArgs, Tensor } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";

/**
 * dt [..., H] -> [..., 2H], the columns `[weight | logDecay]` of the SSD scan; see `DiscretizeArgs` for the formula. No gradient flows
 * into dt where the weight is clamped.
 */
export function discretize(run: OpRun, args: DiscretizeArgs): Tensor {
  return run.result(run.kernel.discretize(args), [args.dt, args.bias, args.A], (dy, sink) =>
    sink.addAll(args, sink.kernel.discretizeBackward(dy, args)),
  );
}
