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
  /** True when shaders read f16 directly (the feature `shader-f16`). Otherwise they unpack it from 32-bit words. */
  readonly f16: boolean;
}

/** Features that the shaders and the profiler use when the adapter has them. */
export const wantedFeatures = ["shader-f16", "subgroups", "timestamp-query"] as const;

export function traitsOf(device: GPUDevice): Traits {
  const { features } = device;
  return {
    parallel: !isSoftware(device.adapterInfo),
    subgroups: features.has("subgroups"),
    f16: features.has("shader-f16"),
  };
}
