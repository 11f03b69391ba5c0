import { Scope, type Kernel } from "@mamba/kernel";
import { randomTensor } from "../../apps/cli/src/bench/spec.ts";
import { formatBytes, formatCount } from "../../apps/cli/src/format.ts";
import type { Emit } from "./rows.ts";
import type { Sizes } from "./sizes.ts";
import { time } from "./timing.ts";

/** What the device gives at most: other figures are fractions of these. */
export interface Ceilings {
  /** Bytes per second of a copy, read and written ones counted. */
  readonly copy: number;
  /** f32 operations per second of a large `linear`, a multiply-add being two. */
  readonly matmul: number;
}

/** Seconds of a product of square matrices of f32: 2 size³ operations. */
export async function measureMatmul(kernel: Kernel, { matmul: size, effort }: Sizes): Promise<number> {
  using scope = new Scope();
  const a = randomTensor(kernel, scope, [size, size], "f32");
  const b = randomTensor(kernel, scope, [size, size], "f32");
  return await time(kernel, () => kernel.linear(a, b).dispose(), effort);
}

export const matmulRate = ({ matmul: size }: Sizes, seconds: number): number => (2 * size ** 3) / seconds;

export async function measureCeilings(kernel: Kernel, sizes: Sizes, emit: Emit): Promise<void> {
  const copySeconds = await measureCopy(kernel, sizes);
  const copy = (2 * 4 * sizes.copy) / copySeconds;
  emit({ name: "copy", state: "ok", result: rate(copy), figures: { seconds: copySeconds, rate: copy } });
  const seconds = await measureMatmul(kernel, sizes);
  const matmul = matmulRate(sizes, seconds);
  emit({ name: "matmul f32", state: "ok", result: flopRate(matmul), figures: { seconds, rate: matmul } });
}

async function measureCopy(kernel: Kernel, { copy: elements, effort }: Sizes): Promise<number> {
  using scope = new Scope();
  const source = randomTensor(kernel, scope, [elements], "f32");
  const target = scope.use(kernel.zeros([elements], "f32"));
  return await time(kernel, () => kernel.copyInto(target, source), effort);
}

/** `3.9 TB/s` */
export const rate = (bytesPerSecond: number): string => `${formatBytes(bytesPerSecond)}/s`;

/** `41.2 TFLOP/s` */
export const flopRate = (flopsPerSecond: number): string => `${formatCount(flopsPerSecond)}FLOP/s`;
