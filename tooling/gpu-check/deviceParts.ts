import type { TrainingKernel } from "@mamba/kernel";
import { createCudaKernel } from "@mamba/kernel-cuda";
import { createWebGpuKernel, provider as webGpuProvider } from "@mamba/kernel-webgpu";
import { conformance, trainingParity } from "./checks.ts";
import { type Ceilings, emitCeilings, emitMatmul, emitModel, emitOps, emitScans } from "./figures.ts";
import type { Emit } from "./rows.ts";
import { type Sizes, webGpuSizes } from "./sizes.ts";

/** Options of the process that runs one part. */
export interface DevicePartOptions {
  /** Only tests of the suite whose name contains this text. */
  readonly filter: string;
  readonly sizes: Sizes;
  /** The measured limits of the same backend; for `webgpu-ceilings`, the ones of CUDA. Undefined before they are measured. */
  readonly ceilings: Ceilings | undefined;
  /** True where a software adapter will do: with the sizes of the stand-in. */
  readonly allowSoftware: boolean;
  /** Time limit of the suites that run as many tests as fit: `watched` and `webgpu-conformance`. */
  readonly seconds: number;
}

type DevicePart = (options: DevicePartOptions, emit: Emit) => Promise<void>;
type Open = () => Promise<TrainingKernel>;

const openCuda: Open = () => createCudaKernel();
const openWatched: Open = () => createCudaKernel({ exactPool: true });
const openInvariant: Open = () => createCudaKernel({ batchInvariant: true });
const openWebGpu: Open = () => createWebGpuKernel();

function measured(ceilings: Ceilings | undefined): Ceilings {
  if (!ceilings) throw new Error("--copy and --matmul are needed: the measured limits of the device");
  return ceilings;
}

/** The measurements, which are the same for each backend. */
const figures = (open: Open) =>
  ({
    ceilings: async ({ sizes, ceilings }, emit) => {
      await using kernel = await open();
      await emitCeilings(kernel, sizes, ceilings, emit);
    },

    scans: async ({ sizes, ceilings }, emit) => {
      await using kernel = await open();
      await emitScans(kernel, sizes, measured(ceilings), emit);
    },

    ops: async ({ sizes, ceilings }, emit) => {
      await using kernel = await open();
      await emitOps(kernel, sizes, measured(ceilings), emit);
    },

    models: async ({ sizes, ceilings }, emit) => {
      for (const model of sizes.models) {
        await using kernel = await open();
        await emitModel(kernel, model, measured(ceilings), sizes, emit);
      }
    },
  }) satisfies Record<string, DevicePart>;

/** Begins the names of a part's rows with the backend, and measures the sizes of that backend. */
const onWebGpu =
  (part: DevicePart): DevicePart =>
  (options, emit) =>
    part({ ...options, sizes: webGpuSizes(options.sizes) }, (row) =>
      emit({ ...row, name: `WebGPU: ${row.name}` }),
    );

const cuda = figures(openCuda);
const webGpu = figures(openWebGpu);

/** Parts that use the device. Each runs in a process of its own, so that a crash ends that part only. */
export const deviceParts = {
  ...cuda,

  conformance: async ({ filter }, emit) => {
    await conformance("conformance", openCuda, { filter }, emit);
    await conformance("same bits", openInvariant, { filter: "laws: same bits" }, emit);
  },

  training: (_, emit) => trainingParity(openCuda, emit),

  /** The adapter that the other parts of WebGPU use. They run only when this row is `ok`. */
  webgpu: onWebGpu(async ({ allowSoftware }, emit) => {
    const availability = await webGpuProvider.probe();
    const emitMissing = (reason: string) => {
      emit({ name: "device", state: "not run", result: reason });
    };
    if (!availability.ok) emitMissing(`${availability.reason} (${availability.code})`);
    else if (availability.software && !allowSoftware) {
      emitMissing(
        `Vulkan finds no driver of the card, only ${availability.device}, which computes on the CPU`,
      );
    } else emit({ name: "device", state: "ok", result: availability.device });
  }),
  "webgpu-conformance": onWebGpu(({ filter, seconds }, emit) =>
    conformance("conformance", openWebGpu, { filter, seconds }, emit),
  ),
  "webgpu-training": onWebGpu((_, emit) => trainingParity(openWebGpu, emit)),
  "webgpu-ceilings": onWebGpu(webGpu.ceilings),
  "webgpu-scans": onWebGpu(webGpu.scans),
  "webgpu-models": onWebGpu(webGpu.models),

  /** The products that cuBLAS computes otherwise. The environment of this process hides cuBLAS. */
  products: async ({ sizes }, emit) => {
    await conformance("linear without cuBLAS", openCuda, { filter: "linear" }, emit);
    await using kernel = await openCuda();
    await emitMatmul("matmul f32 without cuBLAS", kernel, sizes, undefined, emit);
  },

  /** The tests of the suite that fit into the time: a tool that watches the device makes them many times slower. */
  watched: ({ filter, seconds }, emit) => conformance("watched", openWatched, { filter, seconds }, emit),
} satisfies Record<string, DevicePart>;

export type DevicePartName = keyof typeof deviceParts;

export const isDevicePart = (name: string): name is DevicePartName => Object.hasOwn(deviceParts, name);
