import { createRequire } from "node:module";
import { inject, test } from "vitest";

const built = inject("cudaStandIn");

/** Whether the tests that execute kernels can run. */
export const available = "driver" in built;

/** Stands in the report for the tests of a file that cannot run. */
export function skipAll(what: string): void {
  test.skip(`${what} (no stand-in for the CUDA driver: ${"missing" in built ? built.missing : ""})`, () =>
    undefined);
}

/** The path of the stand-in that executes the kernels' sources. */
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
 * @param more `driver` is another stand-in than the one that executes the kernels' sources
 */
export function useStandIn(options: string, more: { blas?: boolean; driver?: string } = {}): Control {
  if (!("driver" in built)) throw new Error(built.missing);
  const { blas = false, driver = built.driver } = more;
  process.env["MAMBA_CUDA_DRIVER"] = driver;
  // Its cuBLAS is in the same file; a path that does not exist is as if none were installed.
  process.env["MAMBA_CUDA_BLAS"] = blas ? driver : "/nonexistent";
  process.env["MAMBA_CUDA_HOST"] = options;
  const control = createRequire(import.meta.url)(built.control) as Control & { open(path: string): void };
  control.open(driver);
  return control;
}
