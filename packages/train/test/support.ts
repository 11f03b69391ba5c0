import { MambaLM, type MambaLMConfigInput, uniformAt } from "@mamba/core";
import { canTrain, type TrainingKernel } from "@mamba/kernel";
import { createCpuKernel } from "@mamba/kernel-cpu";
import { afterAll } from "vitest";
import { type DataSource, ignoreIndex } from "../src/dataSource.ts";
import type { Trainer } from "../src/trainer.ts";

export const kernel: TrainingKernel = await open();
afterAll(() => kernel.dispose());

async function open(): Promise<TrainingKernel> {
  const kernel = await createCpuKernel({ threads: 2 });
  if (!canTrain(kernel)) throw new Error("the CPU backend must train");
  return kernel;
}

/** A step takes some milliseconds. */
export const tiny: MambaLMConfigInput = { dModel: 16, nLayers: 2, vocabSize: 8 };

export function model(config: Partial<MambaLMConfigInput> = {}, seed = 1): MambaLM {
  return MambaLM.init(kernel, { ...tiny, ...config }, seed);
}

/** Counts up in steps of 1 or 2, from another start in each example. Learned in a few dozen steps. */
export function counting(length = 12, count?: number): DataSource {
  return {
    id: `counting, length ${length}`,
    vocabSize: 8,
    count,
    example(index) {
      const at = (i: number) => (index + i * (1 + (index % 2))) % 8;
      return {
        ids: Int32Array.from({ length }, (_, i) => at(i)),
        targets: Int32Array.from({ length }, (_, i) => at(i + 1)),
      };
    },
  };
}

/** Tokens below 8, and the token 15 at the end, where the only target is the id in the middle. */
export function middle(length: number): DataSource {
  return {
    id: `middle, length ${length}`,
    vocabSize: 16,
    count: undefined,
    example(index) {
      const ids = Int32Array.from({ length }, (_, i) => Math.floor(8 * uniformAt(5, index, i)));
      ids[length - 1] = 15;
      const targets = new Int32Array(length).fill(ignoreIndex);
      targets[length - 1] = ids[length >> 1] ?? 0;
      return { ids, targets };
    },
  };
}

/** Numbers in [-1, 1) from a seed. */
export function draws(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => 2 * uniformAt(seed, i) - 1);
}

/** The values of all tensors that a step changes. */
export async function contents(
  trainer: Pick<Trainer<unknown>, "tensors">,
): Promise<Map<string, Float32Array>> {
  const all = new Map<string, Float32Array>();
  for (const { name, read } of trainer.tensors()) all.set(name, await read());
  return all;
}

/** Runs `count` steps and returns their events without the time. */
export async function take(trainer: Trainer<unknown>, count: number) {
  const events = [];
  for (let i = 0; i < count; i++) {
    const { tokensPerSecond: _, ...event } = await trainer.advance();
    events.push(event);
  }
  return events;
}

/** The kernel; `onBytes` gets the bytes in use at each access. */
export function watched(onBytes: (bytes: number) => void): TrainingKernel {
  return new Proxy(kernel, {
    get(target, name) {
      onBytes(target.memory().bytes);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}
