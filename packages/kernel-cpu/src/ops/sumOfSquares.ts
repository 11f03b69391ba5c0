import type { Op } from "../op.ts";
import { tensorTable } from "./tensorTable.ts";

export const sumOfSquares: Op<"sumOfSquares"> = (runtime, _, tensors) => {
  const op = "sumOfSquares";
  const { table, units } = tensorTable(tensors.map((x) => ({ x })));
  const y = runtime.result(op, [1]);
  // The float64 sums of the units, then the table.
  const memory = runtime.temporary(op, units * 8 + table.byteLength);
  try {
    const tableAddress = memory.address + units * 8;
    runtime.heap.writeWords(tableAddress, table);
    const record = {
      tensorTable: { table: tableAddress, entries: tensors.length, units },
      sums: memory,
      y,
    };
    runtime.run(op, record, 5000 * units);
    runtime.run("sumOfSquaresTotal", record, units);
    return y;
  } finally {
    runtime.heap.free(memory);
  }
};
