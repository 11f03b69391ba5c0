import { TrainError } from "./errors.ts";

/** The target of a position that does not count. */
export const ignoreIndex = -100;

/** One sequence: the model gets `ids[i]` at position i and should predict `targets[i]`. */
export interface Example {
  readonly ids: Int32Array;
  /** One target per id; `ignoreIndex` at positions that do not count. */
  readonly targets: Int32Array;
}

/** A source of examples. Equal indices give equal examples, so a number is enough to resume. */
export interface ExampleSource<E> {
  /** Describes the data in words, differently for different examples: a resumed run must have the same `id`. */
  readonly id: string;
  /** Number of examples; undefined for a generator, which never ends. */
  readonly count: number | undefined;
  /** @param index from 0, below `count` */
  example(index: number): E | Promise<E>;
}

/** A source of sequences of token ids, for language models. */
export interface DataSource extends ExampleSource<Example> {
  /** Token ids are below this. */
  readonly vocabSize: number;
}

/** @throws TrainError `DATA` when the source has ids outside the model's vocabulary, or no examples */
export function checkSource(source: DataSource, vocabSize: number): void {
  if (!(source.vocabSize <= vocabSize)) {
    throw new TrainError(
      "DATA",
      `${source.id} has a vocabulary of ${source.vocabSize}, the model of ${vocabSize}`,
    );
  }
  if (source.count === 0) throw new TrainError("DATA", `${source.id} has no examples`);
}
