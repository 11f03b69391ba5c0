import { type Example, ignoreIndex } from "./dataSource.ts";

/** Examples of one length. */
export interface Batch {
  readonly size: number;
  readonly length: number;
  /** [size, length] */
  readonly ids: Int32Array;
  /** [size, length] */
  readonly targets: Int32Array;
}

/**
 * Makes a batch of examples that `checkExample` accepts. Shorter ones are padded at their ends with positions that do not
 * count. The model is causal, so the padding changes nothing at the positions before it.
 */
export function collate(examples: readonly Example[]): Batch {
  const length = examples.reduce((longest, { ids }) => Math.max(longest, ids.length), 0);
  const batch = {
    size: examples.length,
    length,
    ids: new Int32Array(examples.length * length),
    targets: new Int32Array(examples.length * length).fill(ignoreIndex),
  };
  examples.forEach(({ ids, targets }, row) => {
    batch.ids.set(ids, row * length);
    batch.targets.set(targets, row * length);
  });
  return batch;
}

/** The number of positions that count. */
export function countTargets({ targets }: Pick<Batch, "targets">): number {
  let count = 0;
  for (const target of targets) if (target !== ignoreIndex) count++;
  return count;
}

/**
 * Cuts a batch along its length.
 *
 * @param chunkLength positions per chunk; the last one may be shorter. undefined: the whole batch is one chunk
 */
export function chunksOf(batch: Batch, chunkLength: number | undefined): Batch[] {
  const { size, length } = batch;
  if (chunkLength === undefined || chunkLength >= length) return [batch];
  return Array.from({ length: Math.ceil(length / chunkLength) }, (_, i) => {
    const start = i * chunkLength;
    const count = Math.min(chunkLength, length - start);
    const cut = (from: Int32Array) => {
      const chunk = new Int32Array(size * count);
      for (let row = 0; row < size; row++) {
        chunk.set(from.subarray(row * length + start, row * length + start + count), row * count);
      }
      return chunk;
    };
    return { size, length: count, ids: cut(batch.ids), targets: cut(batch.targets) };
  });
}
