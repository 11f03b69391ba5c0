import { Scope, type Kernel, type Tensor } from "@mamba/kernel";
import { CudaKernel } from "@mamba/kernel-cuda";
import { randomTensor } from "../randomTensor.ts";
import type { Device } from "./device.ts";

/** Floats of the copy: too many for the device's cache. */
const copied = 2 ** 26;

/**
 * The device of the backend cuda, with a copy and a large product as its probes. It has no timestamps: times are until it
 * has answered.
 *
 * @param size rows and columns of the product's matrices
 */
export function cudaDevice(kernel: Kernel, size: number): Device {
  if (!(kernel instanceof CudaKernel))
    throw new TypeError(`cudaDevice: expected a CudaKernel, got ${kernel.name}`);
  const scope = new Scope();
  const [source, target] = [0, 1].map(() => scope.use(kernel.zeros([copied], "f32"))) as [Tensor, Tensor];
  const [a, b] = [0, 1].map(() => randomTensor(kernel, scope, [size, size], "f32")) as [Tensor, Tensor];
  return {
    kernel,
    probes: [
      {
        ...{ name: `copy ${copied}`, kind: "copy", bytes: 8 * copied, flops: 0 },
        run: () => kernel.copyInto(target, source),
      },
      {
        ...{ name: `linear ${size}×${size}×${size}`, kind: "matmul" },
        ...{ bytes: 12 * size ** 2, flops: 2 * size ** 3 },
        run: () => kernel.linear(a, b).dispose(),
      },
    ],
    counts() {
      const { launches, submissions, graphs, updates } = kernel.counts;
      return { launches, batches: submissions, graphs, "replaced arguments": updates };
    },
    async observe(run) {
      const before = kernel.counts.launches;
      await run();
      await kernel.sync();
      return { dispatches: kernel.counts.launches - before, ops: null };
    },
    [Symbol.dispose]: () => scope[Symbol.dispose](),
  };
}
