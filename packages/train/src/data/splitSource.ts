import type { ExampleSource } from "../dataSource.ts";
import { TrainError } from "../errors.ts";
import { shuffledIndex } from "../shuffledIndex.ts";

export interface SplitOptions {
  /** Fraction of the examples that are held out, above 0 and below 1. Default 0.1. */
  readonly heldOut?: number | undefined;
  /** Seed of the choice; unused where the examples are in the order of time. Default 0. */
  readonly seed?: number | undefined;
}

/** A source whose examples are in the order of time, such as windows of a series. */
export interface OrderedSource<E> extends ExampleSource<E> {
  readonly count: number;
  /** The number of following examples that have data in common with an example. */
  readonly overlap: number;
}

/** An example source with an end. */
export interface FiniteSource<E> extends ExampleSource<E> {
  readonly count: number;
}

/** Two sources that have no example in common. */
export interface Split<E> {
  readonly train: FiniteSource<E>;
  readonly heldOut: FiniteSource<E>;
}

/**
 * Divides a source into examples to train on and examples to evaluate on. They are chosen by the seed. Where the examples are
 * in the order of time (`OrderedSource`), the last ones are held out, and those in between that have data in common with them
 * are left out.
 *
 * @throws TrainError `CONFIG` (heldOut); `DATA` when the source does not end, or is too small for both
 */
export function splitSource<E>(
  source: ExampleSource<E> | OrderedSource<E>,
  { heldOut = 0.1, seed = 0 }: SplitOptions = {},
): Split<E> {
  if (!(heldOut > 0 && heldOut < 1)) {
    throw new TrainError("CONFIG", `heldOut must be a number above 0 and below 1, got ${String(heldOut)}`);
  }
  const { id, count } = source;
  if (count === undefined) throw new TrainError("DATA", `${id}: a source without an end cannot be divided`);
  const held = Math.max(1, Math.round(count * heldOut));
  const overlap = "overlap" in source ? source.overlap : 0;
  const trained = count - held - overlap;
  if (trained < 1) {
    const needs = `${held} to hold out${overlap > 0 ? `, ${overlap} that overlap with them` : ""} and at least 1 to train on`;
    throw new TrainError("DATA", `${id}: expected examples for both parts (${needs}), got ${count}`);
  }
  const isOrdered = "overlap" in source;
  const parts = isOrdered ? "in order" : `seed ${seed}`;
  const part = (name: string, first: number, size: number): FiniteSource<E> => ({
    ...source, // also the fields of a source of one kind, such as the size of a vocabulary
    id: `${id}, ${name} (${size} of ${count}, ${parts})`,
    count: size,
    example(index) {
      if (!(index >= 0 && index < size))
        throw new TrainError("DATA", `${id}: there is no example ${index} ${name}`);
      const position = first + index;
      return source.example(isOrdered ? position : shuffledIndex(position, count, seed));
    },
  });
  // Shuffled, the held-out examples come first, so that another fraction keeps as many of them as possible.
  if (!isOrdered) return { heldOut: part("held out", 0, held), train: part("to train on", held, trained) };
  return { train: part("to train on", 0, trained), heldOut: part("held out", count - held, held) };
}
