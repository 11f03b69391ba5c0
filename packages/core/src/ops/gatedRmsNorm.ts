import type { GatedRmsNormArgs, Tensor } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";

/** The RMS norm of Mamba-2 with the gate `silu(z)`, over groups of channels, x [..., D] -> [..., D]; see `GatedRmsNormArgs`. */
export function gatedRmsNorm(run: OpRun, args: GatedRmsNormArgs): Tensor {
  return run.result(run.kernel.gatedRmsNorm(args), [args.x, args.z, args.weight], (dy, sink) =>
    sink.addAll(args, sink.kernel.gatedRmsNormBackward(dy, args)),
  );
}
