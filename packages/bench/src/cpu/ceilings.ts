import { createCpuKernel, measureCeilings, type Ceilings } from "@mamba/kernel-cpu";

/** The size of the weights of mamba-130m, so that caches help the probe no more than they help a model. */
const probeBytes = 512 * 2 ** 20;

/**
 * Measures the machine's ceilings on a kernel of their own, and returns the better of `known` and the new ones. All threads
 * count as at least as fast as one, because other work may have used the other cores during the measurement.
 */
export async function bestCeilings(runs: number, known?: Ceilings): Promise<Ceilings> {
  await using kernel = await createCpuKernel();
  const now = measureCeilings(kernel, runs, probeBytes);
  const best = (name: keyof Ceilings) => {
    const oneThread = Math.max(now[name].oneThread, known?.[name].oneThread ?? 0);
    return {
      oneThread,
      allThreads: Math.max(now[name].allThreads, known?.[name].allThreads ?? 0, oneThread),
    };
  };
  return { read: best("read"), arithmetic: best("arithmetic") };
}
