import type { Op } from "../op.ts";
import { addressWords, chunksOf, tablesOf } from "../tensorTable.ts";

/** Elements that one block of threads sums. */
const blockElements = 16384;

export const sumOfSquares: Op<"sumOfSquares"> = (runtime, _sizes, tensors) => {
  const op = "sumOfSquares";
  const tables = tablesOf(
    tensors.flatMap((tensor) =>
      chunksOf(tensor).map(({ address, count, width, stride }) => ({
        blocks: Math.ceil(count / blockElements),
        words: [...addressWords(address), count, width, stride],
      })),
    ),
  );
  const blocks = tables.reduce((sum, table) => sum + table.blocks, 0);
  const sum = runtime.result(op, [1]);
  const sums = runtime.result(op, [blocks]);
  let first = 0;
  for (const table of tables) {
    runtime.launch(op, op, table.blocks, 256, [sums, first, table.entries, table.words]);
    first += table.blocks;
  }
  runtime.launch(op, "sumOfSquaresTotal", 1, 1024, [sums, sum, blocks]);
  sums.dispose();
  return sum;
};
