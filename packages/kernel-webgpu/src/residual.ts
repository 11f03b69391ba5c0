import { KernelError, type Residual, type SequenceSizes } from "@mamba/kernel";
import type { Runtime } from "./runtime.ts";
import type { WebGpuTensor } from "./tensor.ts";
import { chunkLength } from "./wgsl/scan.ts";

/** Sizes of a scan. */
interface ScanSizes extends SequenceSizes {
  readonly stateSize: number;
}

/** Chunks of a sequence. */
export function chunksOf(length: number): number {
  return Math.ceil(length / chunkLength);
}

/**
 * The states before each chunk, and the final one: [chunks + 1, B, D, N]. Those of chunks that begin in padding are not
 * there: before the range it is the initial state.
 */
export class ScanResidual implements Residual {
  readonly states: WebGpuTensor;
  readonly #sizes: ScanSizes;

  constructor(states: WebGpuTensor, sizes: ScanSizes) {
    this.states = states;
    this.#sizes = sizes;
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
