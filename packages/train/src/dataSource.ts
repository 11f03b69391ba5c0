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

/**
 * Checks an example before it goes to the device, where an id outside of the table would be clamped to its edge.
 *
 * @param where names the example in messages, as "stories: example 3"
 * @throws TrainError `DATA` when an example is empty, has more or fewer targets than ids, or has an id outside of the
 * vocabulary; targets may also be `ignoreIndex`
 */
export function checkExample({ ids, targets }: Example, vocabSize: number, where: string): void {
  if (ids.length === 0 || ids.length !== targets.length) {
    const got = `got ${ids.length} ids and ${targets.length} targets`;
    throw new TrainError("DATA", `${where} must have one target per id and at least one, ${got}`);
  }
  const isId = (id: number) => Number.isInteger(id) && id >= 0 && id < vocabSize;
  const last = vocabSize - 1;
  const id = ids.findIndex((each) => !isId(each));
  if (id !== -1) {
    const rule = `ids must be whole numbers from 0 to ${last}`;
    throw new TrainError("DATA", `${where}, position ${id}: ${rule}, got the id ${ids[id] ?? "none"}`);
  }
  const target = targets.findIndex((each) => !isId(each) && each !== ignoreIndex);
  if (target !== -1) {
    const rule = `targets must be whole numbers from 0 to ${last}, or ${ignoreIndex} where none counts`;
    throw new TrainError(
      "DATA",
      `${where}, position ${target}: ${rule}, got the target ${targets[target] ?? "none"}`,
    );
  }
}
