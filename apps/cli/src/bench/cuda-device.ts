import { Scope, type Kernel, type Tensor } from "@mamba/kernel";
import { CudaKernel } from "@mamba/kernel-cuda";
import type { Device } from "./device.ts";
import { randomTensor } from "./spec.ts";

/** Enough that a copy comes from memory and not from a cache. */
const copied = 2 ** 26;

/**
 * The device of a kernel of the backend cuda, beside a copy and a large product of its own. Times are until the device has
 * answered.
 *
 * @param size of the product's square matrices
 */
export function cudaDevice(kernel: Kernel, size: number): Device {
  if (!(kernel instanceof CudaKernel)) throw new TypeError("the backend cuda gave the kernel of another");
  const scope = new Scope();
  const [source, target] = [0, 1].map(() => scope.use(kernel.zeros([copied], "f32"))) as [Tensor, Tensor];
  const [a, b] = [0, 1].map(() => randomTensor(kernel, scope, [size, size], "f32")) as [Tensor, Tensor];
  return {
    kernel,
    plain: [
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
