import { lineBytes } from "./allocator.ts";
import type { CpuKernel } from "./kernel.ts";
import type { OpName } from "./opcodes.ts";
import { platform } from "./platform.ts";

const blockBytes = 262_144;
const madRounds = 256;

/** What this machine gives to this build of the module: the yardstick of the benchmark. */
export interface Ceilings {
  /** Streamed reads, bytes per second. */
  readonly read: { readonly oneThread: number; readonly allThreads: number };
  /** Multiply-adds in registers, floating-point operations per second; a multiply-add counts as two. */
  readonly arithmetic: { readonly oneThread: number; readonly allThreads: number };
}

/**
 * Measures the ceilings: the best of `runs` runs of each, interleaved, since a shared machine's second core comes and
 * goes. Takes `readBytes` of the heap (default 256 MiB, far more than any cache) and gives it back.
 *
 * @throws KernelError `OUT_OF_MEMORY`, `DISPOSED`, `DEVICE_LOST`
 */
export function measureCeilings(kernel: CpuKernel, runs = 5, readBytes = 256 * 2 ** 20): Ceilings {
  const { runtime } = kernel;
  const op = "measureCeilings";
  runtime.checkOpen(op);
  const { args, heap, wasm } = runtime;
  const bytes = Math.ceil(readBytes / blockBytes) * blockBytes;
  const data = heap.allocate(bytes, op);
  try {
    const result = heap.allocate(Math.max(bytes / blockBytes, madRounds) * 4, op);
    try {
      wasm.fillZero(data.start * lineBytes, bytes);
      args[0] = data.start * lineBytes;
      args[1] = bytes;
      args[2] = result.start * lineBytes;
      args[3] = madRounds;
      /** Work per second. */
      const rate = (probe: OpName, work: number, alone: boolean): number => {
        const start = platform.performance.now();
        runtime.run(probe, alone ? 0 : Infinity);
        return (work * 1000) / (platform.performance.now() - start);
      };
      const read = { oneThread: 0, allThreads: 0 };
      const arithmetic = { oneThread: 0, allThreads: 0 };
      const flops = madRounds * wasm.madProbeFlops();
      for (let run = 0; run < runs; run++) {
        read.oneThread = Math.max(read.oneThread, rate("readProbe", bytes, true));
        read.allThreads = Math.max(read.allThreads, rate("readProbe", bytes, false));
        arithmetic.oneThread = Math.max(arithmetic.oneThread, rate("madProbe", flops, true));
        arithmetic.allThreads = Math.max(arithmetic.allThreads, rate("madProbe", flops, false));
      }
      return { read, arithmetic };
    } finally {
      heap.free(result);
    }
  } finally {
    heap.free(data);
  }
}
