import { KernelError, type Residual, type SequenceSizes } from "@mamba/kernel";
import type { Runtime } from "./runtime.ts";
import type { CpuTensor } from "./tensor.ts";

/** Steps from one saved state to the next: SAVE_STEPS of assembly/scan.ts. */
const saveSteps = 64;

/** Sizes of a scan. */
export interface ScanSizes extends SequenceSizes {
  readonly stateSize: number;
}

/** The states at chunk boundaries, as assembly/scan.ts lays them out. */
export class ScanResidual implements Residual {
  readonly states: CpuTensor;
  readonly #sizes: ScanSizes;

  constructor(states: CpuTensor, sizes: ScanSizes) {
    this.states = states;
    this.#sizes = sizes;
  }

  /** The shape of `states`: [B, chunks, registers of four channels, N · 4]. */
  static shapeFor({ batch, length, channels, stateSize }: ScanSizes): number[] {
    return [batch, Math.ceil(length / saveSteps), Math.ceil(channels / 4), stateSize * 4];
  }

  /**
   * The residual as one of ours, for a scan of these sizes.
   *
   * @throws KernelError `FOREIGN_TENSOR`, `DISPOSED`, `SHAPE` (another scan's)
   */
  static own(op: string, runtime: Runtime, residual: Residual, sizes: ScanSizes): ScanResidual {
    if (!(residual instanceof ScanResidual) || residual.states.runtime !== runtime) {
      throw new KernelError("FOREIGN_TENSOR", `${op}: residual belongs to another kernel`);
    }
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
    return residual;
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
