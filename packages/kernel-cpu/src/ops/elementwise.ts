import { isDense, lastExtent } from "@mamba/kernel";
import { rowCount } from "@mamba/kernel/author";
import { ELEMENTWISE_CHUNK, type ElementwiseArgs } from "../generated/records.ts";
import type { JobRecord } from "../jobs.ts";
import type { Runtime } from "../runtime.ts";
import type { CpuTensor } from "../tensor.ts";
import type { JobName } from "../wasm.ts";

/** The jobs whose record is that of an elementwise job. */
type Elementwise = { [J in JobName]: ElementwiseArgs extends JobRecord<J> ? J : never }[JobName];

/** Operands of an elementwise job. */
export interface Operands {
  readonly a: CpuTensor;
  readonly b?: CpuTensor;
  readonly y: CpuTensor;
  /** Elements of b, when it may have fewer than a. */
  readonly period?: number;
  readonly factor?: number;
}

/**
 * Runs an elementwise job.
 *
 * @param cost nanoseconds per element on one thread
 */
export function runElementwise(runtime: Runtime, job: Elementwise, operands: Operands, cost: number): void {
  const record = elementwiseRecord(operands);
  runtime.run(job, record, cost * record.rows * record.features);
}

/** Runs an elementwise job whose second operand is repeated after each `period` elements of the first one. Returns the result. */
export function runBroadcast(
  runtime: Runtime,
  job: Elementwise,
  a: CpuTensor,
  b: CpuTensor,
  period: number,
  cost: number,
): CpuTensor {
  const y = runtime.result(job, a.shape);
  runElementwise(runtime, job, { a, b, y, period }, cost);
  return y;
}

/** The record of an elementwise job. When all operands are dense, as many elements as b has are one long row. */
export function elementwiseRecord({ a, b, y, period, factor = 0 }: Operands): ElementwiseArgs {
  const rows = rowCount(a);
  const width = lastExtent(a.shape);
  const count = rows * width;
  const dense = isDense(a) && isDense(y) && (b === undefined || isDense(b));
  const features = dense ? (period ?? count) : width;
  return {
    a,
    b,
    y,
    factor,
    rows: count / features,
    features,
    aStride: dense ? features : a.rowStride,
    bStride: dense ? features : (b?.rowStride ?? 0),
    yStride: dense ? features : y.rowStride,
    bRows: (period ?? count) / features,
  };
}

/** Number of units of a job over [rows, features] that divides its work as the elementwise jobs do. */
export function chunkUnits(rows: number, features: number): number {
  const rowsPerUnit = Math.max(1, Math.floor(ELEMENTWISE_CHUNK / features));
  return Math.ceil(rows / rowsPerUnit) * Math.ceil(features / ELEMENTWISE_CHUNK);
}
