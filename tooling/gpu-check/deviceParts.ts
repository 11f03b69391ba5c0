import type { TrainingKernel } from "@mamba/kernel";
import { createCudaKernel } from "@mamba/kernel-cuda";
import { conformance, trainingParity } from "./checks.ts";
import { type Ceilings, emitCeilings, emitMatmul, emitModel, emitScans } from "./figures.ts";
import type { Emit } from "./rows.ts";
import type { Sizes } from "./sizes.ts";

/** Options of the process that runs one part. */
export interface DevicePartOptions {
  /** Only tests of the suite whose name contains this text. */
  readonly filter: string;
  readonly sizes: Sizes;
  /** The result of the part `ceilings`. */
  readonly ceilings: Ceilings;
  /** Time limit of `watched`. */
  readonly seconds: number;
}

type DevicePart = (options: DevicePartOptions, emit: Emit) => Promise<void>;

const open = (): Promise<TrainingKernel> => createCudaKernel();
const openWatched = (): Promise<TrainingKernel> => createCudaKernel({ exactPool: true });

/** Parts that use the device. Each runs in a process of its own, so that a crash ends that part only. */
export const deviceParts = {
  conformance: ({ filter }, emit) => conformance("conformance", open, { filter }, emit),

  training: (_, emit) => trainingParity(open, emit),

  ceilings: async ({ sizes }, emit) => {
    await using kernel = await open();
    await emitCeilings(kernel, sizes, emit);
  },

  scans: async ({ sizes, ceilings }, emit) => {
    await using kernel = await open();
    await emitScans(kernel, sizes, ceilings, emit);
  },

  models: async ({ sizes, ceilings }, emit) => {
    for (const model of sizes.models) {
      await using kernel = await open();
      await emitModel(kernel, model, ceilings, sizes, emit);
    }
  },

  /** The products that cuBLAS computes otherwise. The environment of this process hides cuBLAS. */
  products: async ({ sizes }, emit) => {
    await conformance("linear without cuBLAS", open, { filter: "linear" }, emit);
    await using kernel = await open();
    await emitMatmul("matmul f32 without cuBLAS", kernel, sizes, emit);
  },

  /** The tests of the suite that fit into the time: a tool that watches the device makes them many times slower. */
  watched: ({ filter, seconds }, emit) => conformance("watched", openWatched, { filter, seconds }, emit),
} satisfies Record<string, DevicePart>;

export type DevicePartName = keyof typeof deviceParts;

export const isDevicePart = (name: string): name is DevicePartName => Object.hasOwn(deviceParts, name);
