import { type Capabilities, KernelError } from "@mamba/kernel";
import { createMemory } from "./heap.ts";
import { Instance, moduleEnd } from "./instance.ts";
import { controlBytes, type JobTuning, Jobs } from "./jobs.ts";
import { CpuKernel } from "./kernel.ts";
import { Memories, type MemoryTuning } from "./memories.ts";
import { Runtime } from "./runtime.ts";
import { compileBuild, instantiate } from "./wasm.ts";
import { availableThreads, maySleep, Workers, workersAvailable } from "./workers.ts";

const maxThreads = 16;

/** Options of `createCpuKernel`. */
export interface CpuKernelOptions {
  /**
   * Threads that share each op, the calling one included; a whole number from 1 to 16. Default: as many as the
   * machine has, at most 16; 1 where the platform has no workers over shared memory.
   */
  readonly threads?: number | undefined;
  /**
   * How `linear` reads `x` when its weight is quantised. "int8", the default, rounds each block of a row (32 columns) to 8-bit integers
   * first, which is several times as fast; the error is about that of q8_0 weights. "f32" is exact.
   */
  readonly activations?: Capabilities["activations"] | undefined;
}

/** Threads that `createCpuKernel` uses by default. */
export function defaultThreads(): number {
  return Math.min(availableThreads(), maxThreads);
}

/** Describes the device for people. */
export function describeDevice(fused: boolean, threads: number): string {
  const build = fused ? "WebAssembly SIMD with fused multiply-add" : "WebAssembly SIMD";
  return `${build}, ${threads} ${threads === 1 ? "thread" : "threads"}`;
}

/**
 * Opens the CPU backend.
 *
 * @throws KernelError `ARGUMENT` (threads, activations), `LIMITS` (an engine without WebAssembly SIMD, or without workers over shared
 * memory when more than one thread is asked for), `NO_DEVICE` (a worker does not start), `DRIVER` (the platform forbids
 * WebAssembly).
 */
export async function createCpuKernel(options: CpuKernelOptions = {}): Promise<CpuKernel> {
  const threads = options.threads ?? defaultThreads();
  if (!Number.isInteger(threads) || threads < 1 || threads > maxThreads) {
    const expected = `threads must be a whole number from 1 to ${maxThreads}`;
    throw new KernelError("ARGUMENT", `createCpuKernel: ${expected}, got ${threads}`);
  }
  const activations = options.activations ?? "int8";
  if (activations !== "int8" && activations !== "f32") {
    throw new KernelError(
      "ARGUMENT",
      `createCpuKernel: activations must be int8 or f32, got ${String(activations)}`,
    );
  }
  if (threads > 1 && !workersAvailable()) {
    const missing = `${threads} threads asked, but this platform has no workers over shared memory`;
    const remedy = "a page needs cross-origin isolation: the headers COOP same-origin and COEP require-corp";
    throw new KernelError("LIMITS", `createCpuKernel: ${missing}; ${remedy}`);
  }
  return openCpuKernel(threads, {}, activations);
}

/** Opens the backend with a number of threads that this platform has. */
export async function openCpuKernel(
  threads: number,
  tuning: Partial<JobTuning & MemoryTuning> = {},
  activations: Capabilities["activations"] = "int8",
): Promise<CpuKernel> {
  const build = await compileBuild();
  const memory = createMemory();
  const wasm = await instantiate(build, memory);
  const control = moduleEnd(wasm);
  const main = new Instance(0, wasm, memory, wasm, controlBytes);

  let announce: (failure: KernelError) => void;
  const lost = new Promise<KernelError>((resolve) => (announce = resolve));
  const lose = (reason: string, cause?: unknown): KernelError => {
    const failure = new KernelError("DEVICE_LOST", reason, { cause });
    runtime.close(failure);
    announce(failure);
    return failure;
  };
  const memories = new Memories(build, main, tuning, (further, generation) => {
    workers.send(further);
    wasm.reload(control, generation);
  });
  const settings = { control, threads, maySleep: maySleep(memory), ...tuning };
  const runtime = new Runtime(memories, new Jobs(memories, settings, lose), activations);
  const workers = await Workers.start(threads - 1, build.module, memory, control, lose);
  const device = describeDevice(build.fused, threads);
  return new CpuKernel(device, runtime, lost, async () => {
    wasm.stop(control);
    await workers.end();
  });
}
