import type { Availability } from "@mamba/kernel";

/** The backends that this package opens. CUDA is for Node. */
export type BackendName = "cuda" | "webgpu" | "cpu";

/** Options of the CPU backend. */
export interface CpuOptions {
  /** Threads, from 1 to 16. Default: all cores; 1 on a page that is not cross-origin isolated. */
  readonly threads?: number | undefined;
  /** How quantised weights are multiplied: "int8" (default) rounds the other factor to 8 bits, "f32" is exact. */
  readonly activations?: "int8" | "f32" | undefined;
}

/** The choice of a backend. */
export interface BackendOptions {
  /**
   * A backend by its name, which is never replaced by another, or "auto" (default): CUDA, else WebGPU on hardware, else the CPU. With an
   * option of the CPU backend "auto" is the CPU.
   */
  readonly backend?: BackendName | "auto" | undefined;
  readonly cpu?: CpuOptions | undefined;
  /** Stops the search for a backend. */
  readonly signal?: AbortSignal | undefined;
}

/** A backend, and its availability on this machine. */
export interface ProbedBackend {
  readonly name: BackendName;
  readonly availability: Availability;
}
