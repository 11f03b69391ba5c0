import { isSoftware } from "./gpu.ts";

/** Properties of a device that decide which shaders run. */
export interface Traits {
  /**
   * True on a GPU: thousands of invocations run at the same time, workgroup memory is fast and barriers are cheap. A software
   * adapter runs invocations one after another and suspends each of them at a barrier.
   */
  readonly parallel: boolean;
  /** True when sums use subgroup operations (the feature `subgroups`). */
  readonly subgroups: boolean;
  /**
   * True when a row must have the same bits whatever the number of rows, and a sequence whatever its chunks. On a GPU that takes
   * slower shaders for products of many rows and for scans of few channels; a software adapter has it without.
   */
  readonly batchInvariant: boolean;
  /** True when shaders read f16 directly (the feature `shader-f16`). Otherwise they unpack it from 32-bit words. */
  readonly f16: boolean;
}

/** Features that the shaders and the profiler use when the adapter has them. */
export const wantedFeatures = ["shader-f16", "subgroups", "timestamp-query"] as const;

/** The traits of a device, with some of them replaced. */
export function traitsOf(device: GPUDevice, changes: Partial<Traits> = {}): Traits {
  const { features } = device;
  const { parallel = !isSoftware(device.adapterInfo) } = changes;
  return {
    parallel,
    batchInvariant: !parallel,
    subgroups: features.has("subgroups"),
    f16: features.has("shader-f16"),
    ...changes,
  };
}
