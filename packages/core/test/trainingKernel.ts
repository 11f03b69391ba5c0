import { canTrain, type Tensor, type TrainingKernel } from "@mamba/kernel";
import { createCpuKernel } from "@mamba/kernel-cpu";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { type Ops, Tape } from "../src/index.ts";
import { take } from "./support.ts";

/** The kernel of the tests of a file that calls `useTrainingKernel`. */
export let kernel: TrainingKernel;
let held: Tensor[] = [];

/**
 * Opens a CPU kernel for the tests of the file. After each test nothing may be left on it but what `tensor` made, which is freed.
 *
 * @param activations "f32": those of products with quantised weights are not rounded
 */
export function useTrainingKernel(activations?: "f32"): void {
  beforeAll(async () => {
    const cpu = await createCpuKernel({ threads: 1, activations });
    if (!canTrain(cpu)) throw new Error("the CPU backend must be able to train");
    kernel = cpu;
  });
  afterEach(() => {
    for (const made of held) made.dispose();
    held = [];
    expect(kernel.memory()).toEqual({ tensors: 0, bytes: 0 });
  });
  afterAll(async () => {
    await kernel.dispose();
  });
}

/** A tensor with values in [-1, 1], freed after the test. */
export function tensor(shape: number[], seed = 1): Tensor {
  const count = shape.reduce((a, b) => a * b);
  const data = Float32Array.from({ length: count }, (_, i) => Math.sin(seed * (i + 1) * 12.9898));
  const made = kernel.upload(data, shape, "f32");
  hold(made);
  return made;
}

/** Frees tensors after the test. */
export function hold(...tensors: readonly Tensor[]): void {
  held.push(...tensors);
}

export async function read(x: Tensor): Promise<Float32Array> {
  return (await kernel.read(x))[0] as Float32Array;
}

/** The gradient of `weight` times the loss that `run` computes, for each of `inputs`; `run` may add losses as well. */
export async function gradients(
  inputs: readonly Tensor[],
  run: (ops: Ops) => Tensor | undefined,
  weight = 1,
): Promise<Float32Array[]> {
  using tape = new Tape(kernel, inputs);
  const loss = run(tape);
  const found = loss ? tape.backward(loss, weight) : tape.backward();
  return await Promise.all(
    inputs.map((x) => {
      const gradient = found.get(x);
      if (gradient === undefined) throw new Error("an input has no gradient");
      return take(kernel, gradient);
    }),
  );
}
