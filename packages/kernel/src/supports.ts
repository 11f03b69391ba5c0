import type { DType } from "./dtype.ts";
import type { KernelOp } from "./kernel.ts";

/** Storage types of a backend that takes weights of every float type. */
export const everyStorage: ReadonlySet<DType> = new Set<DType>(["f32", "f16", "bf16", "i32"]);

const ops: ReadonlySet<KernelOp> = new Set<KernelOp>([
  ...(["add", "mul", "scale", "silu", "negExp", "flip", "linear", "rmsNorm", "embedding"] as const),
  ...(["causalConv1d", "causalConv1dStep", "selectiveScan", "selectiveStateUpdate"] as const),
  ...(["argmax", "sample", "repetitionPenalty"] as const),
  ...(["accumulate", "siluBackward", "linearBackwardInput", "linearBackwardWeight", "sumRows"] as const),
  ...(["rmsNormBackward", "embeddingBackward", "causalConv1dBackward"] as const),
  ...(["selectiveScanForward", "selectiveScanBackward"] as const),
  ...(["crossEntropy", "crossEntropyWithGradient", "sumOfSquares", "adamwStep"] as const),
]);
const halfOps: ReadonlySet<KernelOp> = new Set<KernelOp>(["linear", "embedding", "linearBackwardInput"]);

/** `Kernel.supports` of a backend that has every op, those with weights for every float type of `everyStorage`. */
export function supportsEverything(op: KernelOp, dtype: DType): boolean {
  if (!ops.has(op)) return false;
  return dtype === "f32" || (dtype !== "i32" && halfOps.has(op));
}
