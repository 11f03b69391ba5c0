import type { TrainingKernel } from "@mamba/kernel";
import { createCudaKernel } from "@mamba/kernel-cuda";
import { openCudaKernel } from "../../packages/kernel-cuda/src/create.ts";
import { type Ceilings, flopRate, matmulRate, measureCeilings, measureMatmul } from "./ceilings.ts";
import { conformance, trainingParity } from "./checks.ts";
import { measureModel } from "./models.ts";
import type { Emit } from "./rows.ts";
import { measureScan } from "./scans.ts";
import type { Sizes } from "./sizes.ts";

/** What a process is told that runs one part. */
export interface ChildOptions {
  readonly filter: string;
  readonly sizes: Sizes;
  /** What `ceilings` found. */
  readonly ceilings: Ceilings;
  /** How long `watched` may go on. */
  readonly seconds: number;
}

type ChildPart = (options: ChildOptions, emit: Emit) => Promise<void>;

const open = (): Promise<TrainingKernel> => createCudaKernel();
/** Memory that ends where each tensor does and is never reused, for a tool that watches it. */
const openWatched = (): Promise<TrainingKernel> => openCudaKernel({}, { exactPool: true });

/** Parts that use the device. Each has a process of its own, so that a fault ends that part only. */
export const childParts = {
  conformance: ({ filter }, emit) => conformance("conformance", open, { filter }, emit),

  training: (_, emit) => trainingParity(open, emit),

  ceilings: async ({ sizes }, emit) => {
    await using kernel = await open();
    await measureCeilings(kernel, sizes, emit);
  },

  scans: async ({ sizes, ceilings }, emit) => {
    await using kernel = await open();
    for (const size of sizes.scans) await measureScan(kernel, size, ceilings, sizes.effort, emit);
  },

  models: async ({ sizes, ceilings }, emit) => {
    for (const tasks of sizes.models) {
      await using kernel = await open();
      await measureModel(kernel, tasks, ceilings, sizes.effort, emit);
    }
  },

  /** Without cuBLAS, which the environment hides: the products that go to it otherwise. */
  products: async ({ sizes }, emit) => {
    await conformance("linear without cuBLAS", open, { filter: "linear" }, emit);
    await using kernel = await open();
    const seconds = await measureMatmul(kernel, sizes);
    const rate = matmulRate(sizes, seconds);
    emit({
      name: "matmul f32 without cuBLAS",
      state: "ok",
      result: flopRate(rate),
      figures: { seconds, rate },
    });
  },

  /** Part of the suite, for as long as there is time: a tool that watches the device makes it many times slower. */
  watched: ({ filter, seconds }, emit) => conformance("watched", openWatched, { filter, seconds }, emit),
} satisfies Record<string, ChildPart>;

export type ChildName = keyof typeof childParts;

export const isChildName = (name: string): name is ChildName => Object.hasOwn(childParts, name);
