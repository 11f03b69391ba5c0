import type { PositionsArgs } from "@mamba/kernel";
import type { PositionSizes } from "@mamba/kernel/author";
import type { Op, Own } from "../op.ts";

export const meanPositions: Op<"meanPositions"> = (runtime, sizes, args) => {
  const op = "meanPositions";
  const { x } = args;
  const y = runtime.result(op, [sizes.sequences, sizes.channels]);
  const record = { positions: positions(args, sizes), x, y, xStride: x.rowStride };
  runtime.run(op, record, 0.4 * sizes.batch * sizes.length * sizes.channels);
  return y;
};

/** The fields that the records of the pooling ops have in common. */
export function positions(
  { sequenceIds, ranges }: Pick<Own<PositionsArgs>, "sequenceIds" | "ranges">,
  sizes: PositionSizes,
) {
  const { batch, length, channels, sequences } = sizes;
  return { sequenceIds, ranges, batch, length, channels, sequences };
}
