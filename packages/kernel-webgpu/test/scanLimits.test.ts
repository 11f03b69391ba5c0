import type { ScanArgs, Tensor } from "@mamba/kernel";
import { expect, test } from "vitest";
import { openWebGpuKernel } from "../src/create.ts";
import type { WebGpuKernel } from "../src/index.ts";
import { available, skipAll, smallestDevice } from "./available.ts";

// A scan whose arguments are well below the largest binding and whose backward needs temporaries above it, on a device that reports
// bindings of 1 MiB: at the 128 MiB that WebGPU guarantees the scan would take a minute. A larger binding is an error of the kernel.
const largestBinding = 2 ** 20;
const [B, L, D, N] = [2, 256, 184, 1];

/** A device like the smallest one, with a lower limit for bindings. */
async function deviceOfSmallBindings(): Promise<GPUDevice> {
  const device = await smallestDevice();
  const limits = { maxBufferSize: device.limits.maxBufferSize, maxStorageBufferBindingSize: largestBinding };
  return new Proxy(device, {
    get(target, name) {
      if (name === "limits") return limits;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

function scanOf(kernel: WebGpuKernel): { args: ScanArgs; dy: Tensor } {
  const wave = (shape: number[], step: number, base = 0) => {
    const data = new Float32Array(shape.reduce((a, b) => a * b));
    return kernel.upload(
      data.map((_, i) => base + Math.sin(i * step)),
      shape,
      "f32",
    );
  };
  const args = {
    u: wave([B, L, D], 0.7),
    delta: wave([B, L, D], 0.3, 1.1),
    A: wave([D, N], 0.9, -1.2),
    B: wave([B, L, N], 1.3),
    C: wave([B, L, N], 1.7),
    initialState: wave([B, D, N], 0.2),
  };
  return { args, dy: wave([B, L, D], 0.11) };
}

if (available) {
  test("a backward with temporaries above a binding has the same bits as that of a few channels", async () => {
    const device = await deviceOfSmallBindings();
    expect(3 * 4 * B * L * D).toBeGreaterThan(largestBinding);
    expect(4 * B * L * D).toBeLessThan(largestBinding);
    await using kernel = await openWebGpuKernel(device, true);
    const { args, dy } = scanOf(kernel);
    const { residual } = kernel.selectiveScanForward(args);
    const whole = kernel.selectiveScanBackward(dy, args, residual);

    // Channels are independent except for the gradients of B and C. The last ones are in the last chunk.
    const [first, few] = [D - 70, 70];
    const some = (x: Tensor) => kernel.columns(x, first, few);
    const rows = (x: Tensor, size: number) =>
      kernel.columns(kernel.reshape(x, [x.shape.length === 3 ? B : 1, D * size]), first * size, few * size);
    const dense = async (x: Tensor, shape: number[]) => {
      const [data] = await kernel.read(x);
      return kernel.upload(data as Float32Array, shape, "f32");
    };
    const A = await dense(rows(args.A, N), [few, N]);
    const initialState = await dense(rows(args.initialState as Tensor, N), [B, few, N]);
    const fewArgs: ScanArgs = { ...args, u: some(args.u), delta: some(args.delta), A, initialState };
    const alone = kernel.selectiveScanForward(fewArgs);
    const grads = kernel.selectiveScanBackward(some(dy), fewArgs, alone.residual);
    for (const [actual, expected] of [
      [some(whole.u), grads.u],
      [some(whole.delta), grads.delta],
      [rows(whole.A, N), grads.A],
      [rows(whole.initialState as Tensor, N), grads.initialState as Tensor],
    ] as const) {
      const [got, want] = await kernel.read(actual, expected);
      expect(Buffer.from((got as Float32Array).buffer)).toEqual(Buffer.from((want as Float32Array).buffer));
    }
  });
} else skipAll("a scan above the largest binding");
