import { Scope, type Kernel } from "@mamba/kernel";
import { randomTensor } from "../randomTensor.ts";
import { type Effort, time } from "./time.ts";

/** The measured limit of a device: bytes or operations per second. */
export interface Ceiling {
  readonly seconds: number;
  readonly rate: number;
}

/** A copy of f32 elements: bytes per second, both read and written ones. */
export async function measureCopy(kernel: Kernel, elements: number, effort: Effort): Promise<Ceiling> {
  using scope = new Scope();
  const source = randomTensor(kernel, scope, [elements], "f32");
  const target = scope.use(kernel.zeros([elements], "f32"));
  const seconds = await time(kernel, () => kernel.copyInto(target, source), effort);
  return { seconds, rate: (2 * 4 * elements) / seconds };
}

/** A product of two f32 matrices of `size` rows and columns: operations per second, a multiply-add being two. */
export async function measureMatmul(kernel: Kernel, size: number, effort: Effort): Promise<Ceiling> {
  using scope = new Scope();
  const a = randomTensor(kernel, scope, [size, size], "f32");
  const b = randomTensor(kernel, scope, [size, size], "f32");
  const seconds = await time(kernel, () => kernel.linear(a, b).dispose(), effort);
  return { seconds, rate: (2 * size ** 3) / seconds };
}
