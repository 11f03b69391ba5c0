import { isSoftware } from "./gpu.ts";

/** What shaders are chosen by. */
export interface Traits {
  /**
   * Whether invocations run at once by the thousands, share workgroup memory quickly and pay little for a barrier. A software
   * adapter runs them one after the other, and parks each of them at a barrier.
   */
  readonly parallel: boolean;
  /** Whether sums go over subgroups (the feature `subgroups`). */
  readonly subgroups: boolean;
  /** Whether shaders read f16 as such (the feature `shader-f16`); else they unpack it from words. */
  readonly f16: boolean;
}

/** Features that the shaders and the profiler use where an adapter has them. */
export const wantedFeatures = ["shader-f16", "subgroups", "timestamp-query"] as const;

export function traitsOf(device: GPUDevice): Traits {
  const { features } = device;
  return {
    parallel: !isSoftware(device.adapterInfo),
    subgroups: features.has("subgroups"),
    f16: features.has("shader-f16"),
  };
}
