import { TrainError } from "./errors.ts";

/** The target of a position that does not count. */
export const ignoreIndex = -100;

/** One sequence: at position i the model sees `ids[i]` and should predict `targets[i]`. */
export interface Example {
  readonly ids: Int32Array;
  /** As long as `ids`; `ignoreIndex` where nothing is asked. */
  readonly targets: Int32Array;
}

/** Where examples come from. Equal indices give equal examples, so the position in the data is a number. */
export interface DataSource {
  /** What is read and how, in words that differ when the examples do: a resumed run must have the same. */
  readonly id: string;
  /** Token ids are below this. */
  readonly vocabSize: number;
  /** How many examples there are; undefined for generators, which never end. */
  readonly count: number | undefined;
  /** @param index from 0, below `count` */
  example(index: number): Example | Promise<Example>;
}

/** Examples of one length, ready for the device. */
export interface Batch {
  readonly size: number;
  readonly length: number;
  /** [size, length] */
  readonly ids: Int32Array;
  /** [size, length] */
  readonly targets: Int32Array;
}

/**
 * Puts examples together. Shorter ones are filled up at their ends with positions that do not count; nothing that does
 * count can see them, since the model is causal.
 *
 * @throws TrainError `DATA` when an example is empty or its two parts differ in length
 */
export function collate(examples: readonly Example[]): Batch {
  let length = 0;
  for (const { ids, targets } of examples) {
    if (ids.length === 0 || ids.length !== targets.length) {
      throw new TrainError(
        "DATA",
        `an example must have one target per id and at least one, got ${ids.length} ids and ${targets.length} targets`,
      );
    }
    length = Math.max(length, ids.length);
  }
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

/** Positions that count. */
export function countTargets({ targets }: Pick<Batch, "targets">): number {
  let count = 0;
  for (const target of targets) if (target !== ignoreIndex) count++;
  return count;
}

/** Cuts a batch along its length. */
export function segmentsOf(batch: Batch, segmentLength: number | undefined): Batch[] {
  const { size, length } = batch;
  if (segmentLength === undefined || segmentLength >= length) return [batch];
  return Array.from({ length: Math.ceil(length / segmentLength) }, (_, i) => {
    const start = i * segmentLength;
    const count = Math.min(segmentLength, length - start);
    const cut = (from: Int32Array) => {
      const part = new Int32Array(size * count);
      for (let row = 0; row < size; row++) {
        part.set(from.subarray(row * length + start, row * length + start + count), row * count);
      }
      return part;
    };
    return { size, length: count, ids: cut(batch.ids), targets: cut(batch.targets) };
  });
}

/** @throws TrainError `DATA` when the source has ids that the model has no rows for, or no examples */
export function checkSource(source: DataSource, vocabSize: number): void {
  if (source.vocabSize > vocabSize) {
    throw new TrainError(
      "DATA",
      `${source.id} has a vocabulary of ${source.vocabSize}, the model of ${vocabSize}`,
    );
  }
  if (source.count === 0) throw new TrainError("DATA", `${source.id} has no examples`);
}
