import type { DiscretizeArgs } from "@mamba/kernel";
import type { Op, Own } from "../op.ts";

export const discretize: Op<"discretize"> = (runtime, sizes, args) => {
  const y = runtime.result("discretize", sizes.shape);
  const record = { discretizeInputs: discretizeInputs(args, sizes), y };
  runtime.run("discretize", record, 4 * sizes.rows * sizes.heads);
  return y;
};

/** The fields that the records of the op and of its backward have in common. */
export function discretizeInputs(
  { dt, bias, A }: Own<DiscretizeArgs>,
  sizes: { readonly rows: number; readonly heads: number; readonly min: number; readonly max: number },
) {
  const { rows, heads, min, max } = sizes;
  return { dt, bias, A, rows, heads, dtStride: dt.rowStride, min, max };
}
