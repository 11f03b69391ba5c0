import type { Kernel } from "@mamba/kernel";
import { probes, type DispatchTime, WebGpuKernel } from "@mamba/kernel-webgpu";
import type { Device, OpTime } from "./device.ts";

/** The device of the backend webgpu, with simple shaders as its probes, and with timestamps if the adapter has them. */
export function webGpuDevice(kernel: Kernel): Device {
  if (!(kernel instanceof WebGpuKernel)) {
    throw new TypeError(`webGpuDevice: expected a WebGpuKernel, got ${kernel.name}`);
  }
  const shaders = probes(kernel);
  return {
    kernel,
    probes: shaders.all,
    counts() {
      const { dispatches, submissions, bytes } = kernel.counts;
      return { dispatches, "command buffers": submissions, bytes };
    },
    async observe(run) {
      const times = await kernel.profile(async () => {
        await run();
        await kernel.sync();
      });
      return { dispatches: times.length, ops: byOp(times) };
    },
    [Symbol.dispose]: () => shaders.dispose(),
  };
}

function byOp(times: readonly DispatchTime[]): OpTime[] | null {
  const ops = new Map<string, { op: string; dispatches: number; seconds: number }>();
  for (const { op, seconds } of times) {
    if (seconds === undefined) return null;
    const sum = ops.get(op) ?? { op, dispatches: 0, seconds: 0 };
    ops.set(op, sum);
    sum.dispatches++;
    sum.seconds += seconds;
  }
  return [...ops.values()];
}
