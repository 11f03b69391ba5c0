import { KernelError } from "@mamba/kernel";
import { describeAdapter, findAdapter, findGpu, refuse } from "./device/gpu.ts";
import { wantedFeatures } from "./device/traits.ts";
import { WebGpuKernel } from "./kernel.ts";
import { Runtime, type Tuning } from "./runtime.ts";

/** Options of `createWebGpuKernel`. The device is the first of `device`, `adapter` and `gpu`. Default: it requests one. */
export interface WebGpuKernelOptions {
  /** A device of the caller. It is never destroyed, and other work and other kernels may use it too. */
  readonly device?: GPUDevice | undefined;
  /** An adapter whose device has not been requested yet. */
  readonly adapter?: GPUAdapter | undefined;
  /** The entry point: `navigator.gpu`, or the result of `create` of the package `webgpu`. */
  readonly gpu?: GPU | undefined;
  /** Default "high-performance": the fastest of several adapters. */
  readonly powerPreference?: GPUPowerPreference | undefined;
  /**
   * Makes `capabilities.batchInvariant` true on a GPU: a row has the same bits whatever the other rows, and a sequence whatever
   * its chunks. Products of more than eight rows and scans of few channels are then slower. Default false; a software adapter is
   * always batch invariant.
   */
  readonly batchInvariant?: boolean | undefined;
}

/** Limits that are requested as high as the adapter allows. The lowest values that WebGPU guarantees are enough. */
const wantedLimits = ["maxBufferSize", "maxStorageBufferBindingSize"] as const;

/**
 * Opens a kernel of the WebGPU backend: in browsers on `navigator.gpu`, in Node on the package `webgpu` (Dawn), which the
 * app installs.
 *
 * @throws KernelError `NO_DEVICE` (no WebGPU, or no adapter), `NOT_INSTALLED` (Node without the package webgpu), `DRIVER` (the
 * package does not load, or the adapter refuses a device), `DEVICE_LOST` (the given device is lost)
 */
export async function createWebGpuKernel(options: WebGpuKernelOptions = {}): Promise<WebGpuKernel> {
  const { powerPreference = "high-performance", batchInvariant } = options;
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
  return openWebGpuKernel(device, owned, batchInvariant ? { batchInvariant } : undefined);
}

async function requestDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  const { limits, features } = adapter;
  const requiredLimits = Object.fromEntries(wantedLimits.map((name) => [name, limits[name]]));
  try {
    const requiredFeatures = wantedFeatures.filter((name) => features.has(name));
    return await adapter.requestDevice({ label: "mamba", requiredLimits, requiredFeatures });
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new KernelError("DRIVER", `createWebGpuKernel: the adapter refused a device: ${message}`, {
      cause,
    });
  }
}

/**
 * Opens a kernel on a device.
 *
 * @param owned true when the kernel destroys the device in the end
 * @throws KernelError `DEVICE_LOST`
 */
export async function openWebGpuKernel(
  device: GPUDevice,
  owned: boolean,
  tuning?: Tuning,
): Promise<WebGpuKernel> {
  const lost = device.lost.then(({ reason, message }) => {
    return new KernelError("DEVICE_LOST", `the WebGPU device is lost (${reason || "unknown"}): ${message}`);
  });
  // `lost` of a device that is already lost resolves in the next turn of the event loop.
  const already = await Promise.race([lost, new Promise<undefined>((next) => setTimeout(next, 0))]);
  if (already) throw new KernelError("DEVICE_LOST", `createWebGpuKernel: ${already.message}`);
  return new WebGpuKernel(new Runtime(device, tuning), describeAdapter(device.adapterInfo), lost, owned);
}
