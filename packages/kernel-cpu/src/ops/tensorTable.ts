import { isDense, lastExtent } from "@mamba/kernel";
import { rowCount } from "@mamba/kernel/author";
import { TABLE_CHUNK_ELEMENTS, tensorEntryBytes, writeTensorEntry } from "../generated/records.ts";
import { RecordMemory } from "../records.ts";
import type { CpuTensor } from "../tensor.ts";

/** One tensor of an op over many, with the tensors of the same shape that belong to it. */
export interface TableRow {
  /** The tensor, or the gradient. Its shape and strides go into the table. */
  readonly x: CpuTensor;
  readonly param?: CpuTensor;
  readonly m?: CpuTensor;
  readonly v?: CpuTensor;
}

/** The table that assembly/tensorTable.ts reads, and its number of units. */
export function tensorTable(tensors: readonly TableRow[]): {
  readonly table: Uint32Array;
  readonly units: number;
} {
  const bytes = tensors.length * tensorEntryBytes;
  const memory = new RecordMemory(new ArrayBuffer(bytes), 0, bytes);
  let units = 0;
  tensors.forEach(({ x, param, m, v }, i) => {
    const width = lastExtent(x.shape);
    const dense = isDense(x);
    const rows = dense ? 1 : rowCount(x);
    const features = dense ? rowCount(x) * width : width;
    const entry = { x, param, m, v, firstUnit: units, features, rows, stride: x.rowStride };
    writeTensorEntry(memory, (i * tensorEntryBytes) / 4, entry);
    const rowsPerUnit = Math.max(Math.floor(TABLE_CHUNK_ELEMENTS / features), 1);
    units += Math.ceil(rows === 1 ? features / TABLE_CHUNK_ELEMENTS : rows / rowsPerUnit);
  });
  return { table: memory.words, units };
}
