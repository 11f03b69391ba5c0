import { runConformance } from "@mamba/conformance";
import { expect, test } from "vitest";
import { openCudaKernel } from "../src/create.ts";
import type { CudaKernel } from "../src/kernel.ts";
import { type KernelName, kernelNames } from "../src/kernels.ts";
import { available, skipAll, useStandIn } from "./standIn.ts";

/** GPU kernels for sizes that no conformance case has. products.ts runs them. */
const largeTiles = /128(_|$)/;

export interface Selection {
  /** Builds another stand-in instead of the one that executes the CUDA sources. */
  readonly driver?: () => Promise<string>;
  /**
   * Leaves out the laws, and of the cases of each op, storage type, few or many rows, and small or large heads and caches runs the
   * first and every n-th after it.
   * Default: the whole suite, also with `MAMBA_FUZZ_SEED`, the seed of the schedule.
   */
  readonly every?: number;
}

/**
 * Runs the suite on the stand-in, with memory of each tensor's exact size that is never reused, and checks that every GPU kernel
 * was launched.
 *
 * @param options of the stand-in
 */
export async function conformance(options: string, { driver, every }: Selection = {}): Promise<void> {
  if (!available) {
    skipAll(`the conformance suite, ${options}`);
    return;
  }
  const seed = process.env["MAMBA_FUZZ_SEED"];
  const isChosen = chooser(seed === undefined ? every : undefined);
  const seeded = seed === undefined ? options : `${options},seed=${seed}`;
  useStandIn(seeded, driver ? { driver: await driver() } : {});
  const launched = new Set<KernelName>();
  const register = (name: string, body: () => Promise<void>): void => {
    if (isChosen(name)) test(name, body);
  };
  await runConformance({
    test: Object.assign(register, { skip: test.skip }),
    open: async () => recording(await openCudaKernel({}, { exactPool: true }), launched),
  });
  test("every GPU kernel was launched", () => {
    expect(kernelNames.filter((name) => !launched.has(name) && !largeTiles.test(name))).toEqual([]);
  });
}

/** Returns a function that chooses tests by their names, as `every` says. It chooses all tests of the kernel's contract. */
function chooser(every: number | undefined): (name: string) => boolean {
  const counts = new Map<string, number>();
  return (name) => {
    if (every === undefined) return true;
    if (name.startsWith("laws:")) return false;
    const [op = ""] = name.split(" ");
    if (op.endsWith(":")) return true;
    const [variant = ""] = /\bb?f16\b|\bi?q\d_\w+|\+sequenceIds/.exec(name) ?? [];
    // More than `fewRows` rows use other GPU kernels.
    const isMany = / rows (9|\d\d+) /.test(name);
    // So do heads of more than 64 columns, and caches of several chunks of keys.
    const isLarge = / V1\d\d\b| T[2-9]\d\d\b/.test(name);
    const group = `${op} ${variant} ${isMany ? "many" : "few"} ${isLarge ? "large" : "small"}`;
    const count = counts.get(group) ?? 0;
    counts.set(group, count + 1);
    return count % every === 0;
  };
}

/** Adds the name of each GPU kernel that `kernel` launches to `launched`. */
function recording(kernel: CudaKernel, launched: Set<KernelName>): CudaKernel {
  const { runtime } = kernel;
  const launch = runtime.launch.bind(runtime);
  runtime.launch = (op, name, ...rest) => {
    launched.add(name);
    launch(op, name, ...rest);
  };
  return kernel;
}
