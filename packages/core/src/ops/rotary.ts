import type { RotaryArgs, Tensor } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";

/**
 * Rotates pairs of channels of each head by angles, x [B, L, H·Dh] -> [B, L, H·Dh]: rotary position embeddings (Su et al. 2021), and
 * the rotations of Mamba-3; see `RotaryArgs`. Gradients flow into x and into the angles.
 */
export function rotary(run: OpRun, args: RotaryArgs): Tensor {
  const { x, angles, inverse = false } = args;
  return run.result(run.kernel.rotary(args), [x, angles], (dy, sink) => {
    sink.add(angles, () => sink.kernel.rotaryBackwardAngles(dy, args));
    sink.add(x, () => sink.kernel.rotary({ ...args, x: dy, inverse: !inverse }));
  });
}
