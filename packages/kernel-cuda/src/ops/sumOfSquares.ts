import { checkSumOfSquares, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { addressWords, piecesOf, tablesOf } from "./tensorTable.ts";

/** Elements that a block of threads adds up. */
const share = 16384;

export function sumOfSquares(runtime: Runtime, tensors: readonly Tensor[]): Tensor {
  checkSumOfSquares(tensors);
  const op = "sumOfSquares";
  runtime.checkOpen(op);
  const owned = tensors.map((tensor, i) => runtime.own(op, `tensor ${i}`, tensor));
  const tables = tablesOf(
    owned.flatMap((tensor) =>
      piecesOf(tensor).map(({ address, count, width, stride }) => ({
        blocks: Math.ceil(count / share),
        words: [...addressWords(address), count, width, stride],
      })),
    ),
  );
  const blocks = tables.reduce((sum, table) => sum + table.blocks, 0);
  const sum = runtime.result(op, [1]);
  const sums = runtime.result(op, [blocks]);
  let first = 0;
  for (const table of tables) {
    runtime.launch(op, "sumOfSquares", table.blocks, 256, [sums, first, table.entries, table.words]);
    first += table.blocks;
  }
  runtime.launch(op, "sumOfSquaresTotal", 1, 1024, [sums, sum, blocks]);
  sums.dispose();
  return sum;
}
