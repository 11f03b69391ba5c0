import { KernelError } from "@mamba/kernel";
import { loadAddon, type Missing } from "./addon.ts";
import { CudaKernel } from "./kernel.ts";
import { kernelNames } from "./kernels.ts";
import { describeDevice, deviceLacking, probeMachine } from "./probe.ts";
import { driverError, Runtime, type Tuning } from "./runtime.ts";

/** Options of `createCudaKernel`. */
export interface CudaKernelOptions {
  /** Index of the device in the driver's order, which `CUDA_VISIBLE_DEVICES` changes. Default: the first supported device. */
  readonly device?: number | undefined;
  /**
   * Allocates memory of the exact size for every tensor and never reuses it, so that tools such as compute-sanitizer find
   * accesses out of bounds. Much slower. Default false.
   */
  readonly exactPool?: boolean | undefined;
  /**
   * Makes `capabilities.batchInvariant` true: a row has the same bits whatever the other rows, and a sequence whatever its chunks.
   * Products of more than eight rows then use neither cuBLAS nor large tiles, and a scan is not split into chunks, so that reading
   * a prompt takes longer. Default false.
   */
  readonly batchInvariant?: boolean | undefined;
}

/**
 * Opens the CUDA backend on an NVIDIA GPU. Each kernel has its own stream on that device.
 *
 * @throws KernelError `NOT_INSTALLED` (no binary for this platform), `DRIVER` (no NVIDIA driver, or one that is too old),
 * `NO_DEVICE` (no GPU, or none with this index), `LIMITS` (a GPU that is too old), `OUT_OF_MEMORY`
 */
export function createCudaKernel(options: CudaKernelOptions = {}): Promise<CudaKernel> {
  const { exactPool = false, batchInvariant = false } = options;
  return openCudaKernel(options, { exactPool, batchInvariant });
}

/** Opens the backend; tests pass `tuning`. */
export async function openCudaKernel(options: CudaKernelOptions = {}, tuning?: Tuning): Promise<CudaKernel> {
  const machine = await probeMachine();
  if ("code" in machine) refuse(machine);
  const { devices } = machine.found;
  const number = options.device ?? devices.indexOf(machine.device);
  const device = devices[number];
  if (!device) {
    const count = devices.length === 1 ? "1 device" : `${devices.length} devices`;
    refuse({
      code: "NO_DEVICE",
      reason: `device ${number} was requested, the driver has ${count}`,
      remedy: `pass an index from 0 to ${devices.length - 1}`,
    });
  }
  const lack = deviceLacking(device);
  if (lack) refuse(lack);
  const addon = loadAddon(machine.addon);
  if ("code" in addon) refuse(addon);
  try {
    const session = new addon.Session(number, kernelNames);
    return new CudaKernel(new Runtime(session, tuning), describeDevice(device, machine.found), device.bytes);
  } catch (cause) {
    throw driverError("createCudaKernel", cause, "DRIVER");
  }
}

function refuse({ code, reason, remedy }: Missing): never {
  throw new KernelError(code, `createCudaKernel: ${reason}. Remedy: ${remedy}`);
}
