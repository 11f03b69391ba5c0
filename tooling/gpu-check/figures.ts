import {
  type BenchmarkCase,
  measureCopy,
  measureMatmul,
  type ScanPass,
  scanPasses,
  time,
} from "@mamba/bench";
import { formatBytes, formatCount, formatRate, formatSeconds } from "@mamba/display";
import { type Kernel, KernelError, Scope, type TrainingKernel } from "@mamba/kernel";
import { type Emit, percent } from "./rows.ts";
import type { ModelCases, Sizes } from "./sizes.ts";

// The rows of measured figures, each beside the ceiling that limits it.

/** The measured limits of the device. */
export interface Ceilings {
  /** Bytes per second of a copy, both read and written ones. */
  readonly copy: number;
  /** f32 operations per second of a large `linear`, a multiply-add being two. */
  readonly matmul: number;
}

/** `3.9 TB/s` */
const byteRate = (bytesPerSecond: number): string => `${formatBytes(bytesPerSecond)}/s`;

/** `41.2 TFLOP/s` */
const flopRate = (flopsPerSecond: number): string => `${formatCount(flopsPerSecond)}FLOP/s`;

/**
 * Rows of the limits themselves.
 *
 * @param cuda the limits of CUDA on the same card, for another backend
 */
export async function emitCeilings(
  kernel: Kernel,
  sizes: Sizes,
  cuda: Ceilings | undefined,
  emit: Emit,
): Promise<void> {
  const copy = await measureCopy(kernel, sizes.copy, sizes.effort);
  emit({
    ...{ name: "copy", state: "ok", result: byteRate(copy.rate), figures: { ...copy } },
    ...(cuda && { beside: `${percent(copy.rate / cuda.copy)} of CUDA's` }),
  });
  await emitMatmul("matmul f32", kernel, sizes, cuda, emit);
}

/**
 * A row called `name` of the large product.
 *
 * @param cuda the limits of CUDA on the same card, for another backend
 */
export async function emitMatmul(
  name: string,
  kernel: Kernel,
  sizes: Sizes,
  cuda: Ceilings | undefined,
  emit: Emit,
): Promise<void> {
  const matmul = await measureMatmul(kernel, sizes.matmul, sizes.effort);
  emit({
    ...{ name, state: "ok", result: flopRate(matmul.rate), figures: { ...matmul } },
    ...(cuda && { beside: `${percent(matmul.rate / cuda.matmul)} of CUDA's` }),
  });
}

/** Scans beside the bytes of a copy. */
export async function emitScans(
  kernel: TrainingKernel,
  { scans, effort }: Sizes,
  ceilings: Ceilings,
  emit: Emit,
): Promise<void> {
  const measureScan = async ({ name, bytes, measure }: ScanPass) => {
    const seconds = await measure(kernel, effort);
    const ofCopy = bytes / seconds / ceilings.copy;
    emit({
      ...{ name, state: "ok", result: formatSeconds(seconds) },
      beside: `${percent(ofCopy)} of copy (${byteRate(bytes / seconds)})`,
      figures: { seconds, bytes, ofCopy },
    });
  };
  for (const pass of scans.flatMap(scanPasses)) {
    const reason = `its inputs and outputs alone take ${formatBytes(pass.bytes)}`;
    await orOutOfMemory(
      pass.name,
      () => reason,
      () => measureScan(pass),
      emit,
    );
  }
}

/** Ops, each beside its limit: its bytes over the rate of a copy, or its operations over that of a large f32 product. */
export async function emitOps(
  kernel: TrainingKernel,
  { ops, effort }: Sizes,
  ceilings: Ceilings,
  emit: Emit,
): Promise<void> {
  const measureOp = async ({ name, bytes, flops, prepare }: BenchmarkCase) => {
    using scope = new Scope();
    const seconds = await time(kernel, prepare(kernel, scope), effort);
    const [copySeconds, matmulSeconds] = [bytes / ceilings.copy, flops / ceilings.matmul];
    const limitSeconds = Math.max(copySeconds, matmulSeconds);
    emit({
      ...{ name, state: "ok", result: formatSeconds(seconds) },
      beside: `${percent(limitSeconds / seconds)} of ${copySeconds > matmulSeconds ? "copy" : "matmul f32"}`,
      figures: { seconds, bytes, flops, limitSeconds },
    });
  };
  for (const item of ops) {
    await orOutOfMemory(
      item.name,
      (error) => error.message,
      () => measureOp(item),
      emit,
    );
  }
}

/**
 * A whole model, on a kernel of its own.
 *
 * - decode, one token of one row: every weight is read once, so the limit is weight bytes over copy bandwidth. The table of
 *   the embedding counts once, because it is also the head, which reads all of it.
 * - prefill, a prompt of L tokens: the limit is its operations (blocks L times, the head once) over the rate of a large f32
 *   product. Weights in f16 and quantised weights are multiplied in f32 too.
 */
export async function emitModel(
  kernel: TrainingKernel,
  { decode, prefill }: ModelCases,
  ceilings: Ceilings,
  { effort }: Sizes,
  emit: Emit,
): Promise<void> {
  using scope = new Scope();
  const measure = async (item: ModelCases["decode"], limitSeconds: number, limit: string) => {
    const name = `${item.name} ${item.dtype}`;
    const measured = async () => {
      const seconds = await time(kernel, item.prepare(kernel, scope), effort);
      const tokensPerSecond = (item.tokens ?? NaN) / seconds;
      emit({
        ...{ name, state: "ok", result: `${formatRate(tokensPerSecond)} tokens/s` },
        beside: `${percent(limitSeconds / seconds)} of ${limit}`,
        figures: { tokensPerSecond, seconds, limitSeconds, bytes: item.bytes },
      });
    };
    await orOutOfMemory(name, (error) => error.message, measured, emit);
  };
  // The bytes of a prefill are those of the weights alone; those of a decoded token include its states.
  const weights = `weight bytes over copy bandwidth (${formatBytes(prefill.bytes)})`;
  await measure(decode, prefill.bytes / ceilings.copy, weights);
  await measure(prefill, prefill.flops / ceilings.matmul, "matmul f32");
}

/** Runs a measurement that emits its row; when memory runs out, the row says so. */
async function orOutOfMemory(
  name: string,
  reason: (error: KernelError) => string,
  measure: () => Promise<void>,
  emit: Emit,
): Promise<void> {
  try {
    await measure();
  } catch (error) {
    if (!KernelError.is(error, "OUT_OF_MEMORY")) throw error;
    emit({ name, state: "not run", result: `out of memory: ${reason(error)}` });
  }
}
