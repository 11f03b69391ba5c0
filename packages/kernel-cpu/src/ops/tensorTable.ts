import { isDense, lastExtent, type Tensor } from "@mamba/kernel";
import { rowCount } from "@mamba/kernel/author";

/** Numbers in one unit: BLOCK of assembly/optimizer.ts. */
const block = 16384;
/** Fields of an entry. */
const fields = 8;

/** One tensor of an op over many, with what goes along with it. */
export interface TableRow {
  /** The tensor whose shape and strides count. */
  readonly tensor: Tensor;
  /** Its address, and up to three more. */
  readonly addresses: readonly number[];
}

/** The table that assembly/optimizer.ts reads, and the number of units it makes. */
export function tensorTable(rows: readonly TableRow[]): {
  readonly table: Uint32Array;
  readonly units: number;
} {
  const table = new Uint32Array(rows.length * fields);
  let units = 0;
  rows.forEach(({ tensor, addresses }, i) => {
    const width = lastExtent(tensor.shape);
    const dense = isDense(tensor);
    const count = dense ? 1 : rowCount(tensor);
    const features = dense ? rowCount(tensor) * width : width;
    table.set(addresses, i * fields);
    table.set([units, features, count, tensor.rowStride], i * fields + 4);
    units +=
      count === 1
        ? Math.ceil(features / block)
        : Math.ceil(count / Math.max(Math.floor(block / features), 1));
  });
  return { table, units };
}
