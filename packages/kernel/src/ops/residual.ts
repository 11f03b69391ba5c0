import { KernelError } from "../errors.ts";
import type { Residual, Tensor } from "../tensor.ts";
import type { AttentionSizes, ScanSizes, SsdSizes } from "./sizes.ts";

/** A residual that is one tensor, in a layout that the backend chooses, and the sizes of the forward call. */
export class TensorResidual<T extends Tensor = Tensor, S extends object = object> implements Residual {
  readonly saved: T;
  readonly sizes: S;

  constructor(saved: T, sizes: S) {
    this.saved = saved;
    this.sizes = sizes;
  }

  get disposed(): boolean {
    return this.saved.disposed;
  }

  dispose(): void {
    this.saved.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** The residual of `selectiveScanForward`: states at chunk boundaries. */
export class ScanResidual<T extends Tensor = Tensor> extends TensorResidual<T, ScanSizes> {}

/** The residual of `ssdScanForward`: the state at the start of each chunk. */
export class SsdResidual<T extends Tensor = Tensor> extends TensorResidual<T, SsdSizes> {}

/** The residual of `attentionForward`: the logarithm of the softmax's denominator, for each position and query head. */
export class AttentionResidual<T extends Tensor = Tensor> extends TensorResidual<T, AttentionSizes> {}

/**
 * Checks that a residual comes from a forward call of the class's op with these sizes.
 *
 * @throws KernelError `FOREIGN_TENSOR`, `ARGUMENT` (the residual of another op), `DISPOSED`, or `SHAPE` (that of a call
 * with other sizes)
 */
export function checkResidual<S extends object>(
  op: string,
  residual: Residual,
  kind: new (saved: Tensor, sizes: S) => TensorResidual<Tensor, S>,
  sizes: S,
): void {
  if (!(residual instanceof TensorResidual)) {
    throw new KernelError("FOREIGN_TENSOR", `${op}: residual belongs to another kernel`);
  }
  if (!(residual instanceof kind)) {
    throw new KernelError(
      "ARGUMENT",
      `${op}: residual must come from the forward of this op, got that of another op`,
    );
  }
  const { sizes: own, disposed } = residual as TensorResidual<Tensor, S>;
  if (disposed) throw new KernelError("DISPOSED", `${op}: residual was disposed before this call`);
  for (const name in sizes) {
    const [found, expected] = [own[name], sizes[name]];
    if (found === expected) continue;
    const message = `residual must be of a call with ${name} ${String(expected)}, got the residual of a call with`;
    throw new KernelError("SHAPE", `${op}: ${message} ${name} ${String(found)}`);
  }
}
