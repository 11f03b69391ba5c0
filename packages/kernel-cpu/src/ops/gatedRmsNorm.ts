import type { GatedRmsNormArgs } from "@mamba/kernel";
import type { Op, Own } from "../op.ts";

export const gatedRmsNorm: Op<"gatedRmsNorm"> = (runtime, sizes, args) => {
  const y = runtime.result("gatedRmsNorm", args.x.shape);
  const record = { gatedNormInputs: gatedNormInputs(args, sizes), y };
  runtime.run("gatedRmsNorm", record, 1.5 * sizes.rows * sizes.features);
  return y;
};

/** The fields that the records of the op and of its backward have in common. */
export function gatedNormInputs(
  { x, z, weight, eps, normBeforeGate = false }: Own<GatedRmsNormArgs>,
  sizes: { readonly rows: number; readonly features: number; readonly groups: number },
) {
  const { rows, features, groups } = sizes;
  const [xStride, zStride] = [x.rowStride, z.rowStride];
  return { x, z, weight, rows, features, groups, xStride, zStride, eps, normBeforeGate };
}
