import { KernelError } from "@mamba/kernel";
import { describeAdapter, findAdapter, findGpu, refuse } from "./gpu.ts";
import { WebGpuKernel } from "./kernel.ts";
import { Runtime, type Tuning } from "./runtime.ts";
import { wantedFeatures } from "./traits.ts";

/** Where `createWebGpuKernel` takes its device from; the first that is given. Default: it finds one. */
export interface WebGpuKernelOptions {
  /** A device of yours. It is never destroyed, and may be shared with other work and other kernels. */
  readonly device?: GPUDevice | undefined;
  /** An adapter that has not given a device yet. */
  readonly adapter?: GPUAdapter | undefined;
  /** The entry point: `navigator.gpu`, or what `create` of the package `webgpu` gives. */
  readonly gpu?: GPU | undefined;
  /** Default: the fast one of several adapters. */
  readonly powerPreference?: GPUPowerPreference | undefined;
}

/** Limits that help; the smallest that WebGPU guarantees are enough. */
const wantedLimits = ["maxBufferSize", "maxStorageBufferBindingSize"] as const;

/**
 * Opens the WebGPU backend: in browsers on `navigator.gpu`, in Node on the package `webgpu` (Dawn), which the app installs.
 *
 * @throws KernelError `NO_DEVICE` (no WebGPU, or no adapter), `NOT_INSTALLED` (the package webgpu, in Node), `DRIVER` (it
 * does not load, or the adapter gives no device), `DEVICE_LOST` (the device given is lost)
 */
export async function createWebGpuKernel(options: WebGpuKernelOptions = {}): Promise<WebGpuKernel> {
  const { powerPreference = "high-performance" } = options;
  let { device, adapter } = options;
  const owned = device === undefined;
  if (device === undefined) {
    if (adapter === undefined) {
      const gpu = options.gpu ?? (await findGpu());
      if ("code" in gpu) refuse(gpu);
      const found = await findAdapter(gpu, { powerPreference });
      if ("code" in found) refuse(found);
      adapter = found;
    }
    device = await requestDevice(adapter);
  }
  return openWebGpuKernel(device, owned);
}

async function requestDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  const { limits, features } = adapter;
  const requiredLimits = Object.fromEntries(wantedLimits.map((name) => [name, limits[name]]));
  try {
    const requiredFeatures = wantedFeatures.filter((name) => features.has(name));
    return await adapter.requestDevice({ label: "mamba", requiredLimits, requiredFeatures });
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new KernelError("DRIVER", `createWebGpuKernel: the adapter gives no device: ${message}`, { cause });
  }
}

/** @param owned whether the kernel destroys the device in the end */
export async function openWebGpuKernel(
  device: GPUDevice,
  owned: boolean,
  tuning?: Tuning,
): Promise<WebGpuKernel> {
  const lost = device.lost.then(({ reason, message }) => {
    return new KernelError("DEVICE_LOST", `the WebGPU device is lost (${reason || "unknown"}): ${message}`);
  });
  // A device that is lost already says so in the next turn of the event loop.
  const already = await Promise.race([lost, new Promise<undefined>((next) => setTimeout(next, 0))]);
  if (already) throw new KernelError("DEVICE_LOST", `createWebGpuKernel: ${already.message}`);
  return new WebGpuKernel(new Runtime(device, tuning), describeAdapter(device.adapterInfo), lost, owned);
}
