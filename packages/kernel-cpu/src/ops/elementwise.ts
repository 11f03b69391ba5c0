import { isDense, lastExtent } from "@mamba/kernel";
import { rowCount } from "@mamba/kernel/author";
import type { ElementwiseArgs } from "../generated/records.ts";
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
  readonly factor?: number;
}

/**
 * Runs an elementwise job. When all operands are dense they go through as one long row.
 *
 * @param cost nanoseconds per element on one thread
 */
export function runElementwise(runtime: Runtime, job: Elementwise, operands: Operands, cost: number): void {
  const { a, b, y, factor = 0 } = operands;
  const rows = rowCount(a);
  const features = lastExtent(a.shape);
  const dense = isDense(a) && isDense(y) && (b === undefined || isDense(b));
  runtime.run(
    job,
    {
      a,
      b,
      y,
      factor,
      rows: dense ? 1 : rows,
      features: dense ? rows * features : features,
      aStride: a.rowStride,
      bStride: b?.rowStride ?? 0,
      yStride: y.rowStride,
    },
    cost * rows * features,
  );
}
