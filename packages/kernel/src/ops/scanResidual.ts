import { KernelError } from "../errors.ts";
import type { ScanSizes } from "./sizes.ts";
import type { Residual, Tensor } from "../tensor.ts";

/** The residual of `selectiveScanForward`: states at chunk boundaries, in a layout that the backend chooses. */
export class ScanResidual<T extends Tensor = Tensor> implements Residual {
  readonly states: T;
  readonly sizes: ScanSizes;

  constructor(states: T, sizes: ScanSizes) {
    this.states = states;
    this.sizes = sizes;
  }

  get disposed(): boolean {
    return this.states.disposed;
  }

  dispose(): void {
    this.states.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/**
 * Checks that a residual comes from a scan of these sizes.
 *
 * @throws KernelError `FOREIGN_TENSOR`, `DISPOSED`, or `SHAPE` (the residual of another scan)
 */
export function checkResidual(op: string, residual: Residual, sizes: ScanSizes): void {
  if (!(residual instanceof ScanResidual)) {
    throw new KernelError("FOREIGN_TENSOR", `${op}: residual belongs to another kernel`);
  }
  if (residual.disposed) throw new KernelError("DISPOSED", `${op}: residual was disposed before this call`);
  for (const name of ["batch", "length", "channels", "stateSize"] as const) {
    const [found, expected] = [residual.sizes[name], sizes[name]];
    if (found === expected) continue;
    const message = `residual must be of a scan with ${name} ${expected}, got the residual of a scan with`;
    throw new KernelError("SHAPE", `${op}: ${message} ${name} ${found}`);
  }
}
