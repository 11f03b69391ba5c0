import type { Op } from "../op.ts";
import { lineBytes } from "../allocator.ts";
import { tensorTable } from "./tensorTable.ts";
import { addressOf } from "../tensor.ts";

export const sumOfSquares: Op<"sumOfSquares"> = (runtime, _, tensors) => {
  const op = "sumOfSquares";
  const { args, heap } = runtime;
  const { table, units } = tensorTable(tensors.map((tensor) => ({ tensor, addresses: [addressOf(tensor)] })));
  const y = runtime.result(op, [1]);
  // The sums of the units first, since they are float64, and the table behind them.
  const room = runtime.temporary(op, units * 8 + table.byteLength);
  try {
    const sums = room.start * lineBytes;
    heap.writeWords(sums + units * 8, table);
    args[0] = sums + units * 8;
    args[1] = tensors.length;
    args[2] = units;
    args[3] = sums;
    args[4] = y.address;
    runtime.run(op, 5000 * units);
    runtime.run("sumOfSquaresTotal", units);
    return y;
  } finally {
    heap.free(room);
  }
};
