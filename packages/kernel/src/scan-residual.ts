import type { ScanSizes } from "./checks.ts";
import type { DeviceTensor } from "./device-tensor.ts";
import { KernelError } from "./errors.ts";
import type { Residual, Tensor } from "./tensor.ts";

/** What a scan keeps for its backward: states along the way, laid out as the backend likes. */
export class ScanResidual<T extends DeviceTensor> implements Residual {
  readonly states: T;
  readonly #sizes: ScanSizes;

  constructor(states: T, sizes: ScanSizes) {
    this.states = states;
    this.#sizes = sizes;
  }

  /**
   * The states of a residual that must be of the kernel `owner` and of a scan of these sizes.
   *
   * @throws KernelError `FOREIGN_TENSOR`, `DISPOSED`, `SHAPE` (another scan's)
   */
  static states<T extends DeviceTensor>(
    op: string,
    owner: { own(op: string, name: string, tensor: Tensor): T },
    residual: Residual,
    sizes: ScanSizes,
  ): T {
    if (!(residual instanceof ScanResidual)) {
      throw new KernelError("FOREIGN_TENSOR", `${op}: residual belongs to another kernel`);
    }
    const states = owner.own(op, "residual", (residual as ScanResidual<T>).states);
    if (residual.disposed) throw new KernelError("DISPOSED", `${op}: residual was disposed before this call`);
    const held = residual.#sizes;
    for (const name of ["batch", "length", "channels", "stateSize"] as const) {
      if (held[name] === sizes[name]) continue;
      const found = `the residual of a scan with ${name} ${held[name]}`;
      throw new KernelError(
        "SHAPE",
        `${op}: residual must be of a scan with ${name} ${sizes[name]}, got ${found}`,
      );
    }
    return states;
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
