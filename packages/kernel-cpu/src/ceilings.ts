import type { CpuKernel } from "./kernel.ts";
import { platform } from "./platform.ts";

const chunkBytes = 262_144;
const rounds = 256;

/** The highest rates of this machine with this build of the module. The benchmark compares ops with them. */
export interface Ceilings {
  /** Streamed reads, bytes per second. */
  readonly read: { readonly oneThread: number; readonly allThreads: number };
  /** Multiply-adds in registers, floating-point operations per second; a multiply-add counts as two. */
  readonly arithmetic: { readonly oneThread: number; readonly allThreads: number };
}

/**
 * Measures the ceilings: the best of `runs` runs of each, interleaved, because the cores of a shared machine are not always
 * free. Uses `readBytes` of the heap (default 256 MiB, far more than any cache) and frees it.
 *
 * @throws KernelError `OUT_OF_MEMORY`, `DISPOSED`, `DEVICE_LOST`
 */
export function measureCeilings(kernel: CpuKernel, runs = 5, readBytes = 256 * 2 ** 20): Ceilings {
  const { runtime } = kernel;
  const op = "measureCeilings";
  runtime.checkOpen(op);
  const { heap, wasm } = runtime;
  const bytes = Math.ceil(readBytes / chunkBytes) * chunkBytes;
  const data = heap.allocate(bytes, op);
  try {
    const result = heap.allocate(Math.max(bytes / chunkBytes, rounds) * 4, op);
    try {
      wasm.fillZero(data.address, bytes);
      /** Work per second. */
      const rate = (work: number, run: () => void): number => {
        const start = platform.performance.now();
        run();
        return (work * 1000) / (platform.performance.now() - start);
      };
      // A job of 0 nanoseconds stays on the calling thread.
      const readRate = (nanoseconds: number) =>
        rate(bytes, () => runtime.run("readProbe", { data, result, bytes }, nanoseconds));
      const flops = rounds * wasm.madProbeFlops();
      const madRate = (nanoseconds: number) =>
        rate(flops, () => runtime.run("madProbe", { result, rounds }, nanoseconds));
      const read = { oneThread: 0, allThreads: 0 };
      const arithmetic = { oneThread: 0, allThreads: 0 };
      for (let run = 0; run < runs; run++) {
        read.oneThread = Math.max(read.oneThread, readRate(0));
        read.allThreads = Math.max(read.allThreads, readRate(Infinity));
        arithmetic.oneThread = Math.max(arithmetic.oneThread, madRate(0));
        arithmetic.allThreads = Math.max(arithmetic.allThreads, madRate(Infinity));
      }
      return { read, arithmetic };
    } finally {
      heap.free(result);
    }
  } finally {
    heap.free(data);
  }
}
