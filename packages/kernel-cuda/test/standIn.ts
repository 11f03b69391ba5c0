import { createRequire } from "node:module";
import { inject, test } from "vitest";

const built = inject("cudaStandIn");

/** True when tests that execute GPU kernels can run. */
export const available = "driver" in built;

/** Reports the tests of a file as skipped. */
export function skipAll(what: string): void {
  test.skip(`${what} (no stand-in for the CUDA driver: ${"missing" in built ? built.missing : ""})`, () =>
    undefined);
}

/** Path of the stand-in that executes the CUDA sources. */
export function standInDriver(): string {
  if (!("driver" in built)) throw new Error(built.missing);
  return built.driver;
}

/** The options and counters of tooling/cuda-host/src/options.h. */
export interface Control {
  set(name: string, value: string): void;
  get(name: string): number;
}

/**
 * Makes the stand-in the driver of this process, once, before the first kernel is opened.
 *
 * @param options as tooling/cuda-host/README.md lists them: `schedule=random-stalls,seed=7`
 * @param more `driver` replaces the stand-in that executes the CUDA sources
 */
export function useStandIn(options: string, more: { blas?: boolean; driver?: string } = {}): Control {
  if (!("driver" in built)) throw new Error(built.missing);
  const { blas = false, driver = built.driver } = more;
  process.env["MAMBA_CUDA_DRIVER"] = driver;
  // The stand-in's cuBLAS is in the same file; with a path that does not exist, there is no cuBLAS.
  process.env["MAMBA_CUDA_BLAS"] = blas ? driver : "/nonexistent";
  process.env["MAMBA_CUDA_HOST"] = options;
  const control = createRequire(import.meta.url)(built.control) as Control & { open(path: string): void };
  control.open(driver);
  return control;
}
