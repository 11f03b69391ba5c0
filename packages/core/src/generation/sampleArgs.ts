import type { Kernel, SampleArgs, SampleRow, Scope, Tensor } from "@mamba/kernel";
import { maskWords } from "./allowMask.ts";
import type { RunningSequence } from "./runningSequence.ts";
import { uniformOf } from "./seed.ts";

/**
 * Arguments of the op `sample` for the rows of `logits`, which are those of `sequences`.
 *
 * @param masks of the rows that have one; empty where none has
 */
export function sampleArgs(
  kernel: Kernel,
  scope: Scope,
  sequences: readonly RunningSequence[],
  logits: Tensor,
  masks: readonly (Int32Array | undefined)[],
): SampleArgs {
  const rows = sequences.map(rowOf);
  if (masks.length === 0 && sequences.every(({ isPlain }) => isPlain)) return { logits, rows };
  return {
    logits,
    rows,
    seen: uploadSeen(kernel, scope, sequences),
    add: uploadBiases(kernel, scope, sequences),
    allow: uploadMasks(kernel, scope, masks, maskWords(logits.shape[1] ?? 0)),
  };
}

function rowOf({ seed, history, options }: RunningSequence): SampleRow {
  const { temperature = 1, topK, topP, minP, repetitionPenalty } = options;
  const uniform = uniformOf(seed, history.generatedCount);
  return { temperature, topK, topP, minP, repetitionPenalty, uniform };
}

/** Columns of a padded table: a multiple of 64, so that memory is reused from token to token. */
const paddedWidth = (lists: readonly { readonly size: number }[]) =>
  Math.ceil(Math.max(1, ...lists.map(({ size }) => size)) / 64) * 64;

/** i32 [n, K]: the distinct ids of each row that has a repetition penalty, padded with -1. */
function uploadSeen(kernel: Kernel, scope: Scope, sequences: readonly RunningSequence[]): Tensor | undefined {
  const none: ReadonlyMap<number, number> = new Map();
  const seen = sequences.map(({ options, history }) =>
    (options.repetitionPenalty ?? 1) === 1 ? none : history.distinct,
  );
  if (seen.every(({ size }) => size === 0)) return undefined;
  const width = paddedWidth(seen);
  const data = new Int32Array(seen.length * width).fill(-1);
  seen.forEach((ids, row) => {
    data.set([...ids.keys()], row * width);
  });
  return scope.use(kernel.upload(data, [seen.length, width], "i32"));
}

/** Bias, frequency and presence penalty of each row as one number per id. */
function uploadBiases(
  kernel: Kernel,
  scope: Scope,
  sequences: readonly RunningSequence[],
): SampleArgs["add"] {
  const rows = sequences.map(biasesOf);
  if (rows.every(({ size }) => size === 0)) return undefined;
  const width = paddedWidth(rows);
  const ids = new Int32Array(rows.length * width).fill(-1);
  const values = new Float32Array(rows.length * width);
  rows.forEach((biases, row) => {
    ids.set([...biases.keys()], row * width);
    values.set([...biases.values()], row * width);
  });
  const shape = [rows.length, width];
  return {
    ids: scope.use(kernel.upload(ids, shape, "i32")),
    values: scope.use(kernel.upload(values, shape, "f32")),
  };
}

function biasesOf({ options, history }: RunningSequence): Map<number, number> {
  const { logitBias = {}, frequencyPenalty = 0, presencePenalty = 0 } = options;
  const biases = new Map(Object.entries(logitBias).map(([id, bias]) => [Number(id), bias]));
  if (frequencyPenalty === 0 && presencePenalty === 0) return biases;
  for (const [id, count] of history.generated) {
    biases.set(id, (biases.get(id) ?? 0) - frequencyPenalty * count - presencePenalty);
  }
  return biases;
}

/** i32 [n, ceil(V / 32)]; rows without a mask allow all. */
function uploadMasks(
  kernel: Kernel,
  scope: Scope,
  masks: readonly (Int32Array | undefined)[],
  words: number,
): Tensor | undefined {
  if (masks.every((mask) => mask === undefined)) return undefined;
  const data = new Int32Array(masks.length * words).fill(-1);
  masks.forEach((mask, row) => {
    if (mask) data.set(mask, row * words);
  });
  return scope.use(kernel.upload(data, [masks.length, words], "i32"));
}
