import type { Example } from "../dataSource.ts";
import { TrainError } from "../errors.ts";

// A file of ids as examples: example i has the ids [i * length, (i + 1) * length), and the target of each is the id after it.

/** @throws TrainError `CONFIG` */
export function checkLength(path: string, length: number): void {
  if (Number.isInteger(length) && length >= 1 && length <= 2 ** 28) return;
  throw new TrainError("CONFIG", `${path}: length must be a whole number from 1 to 2^28, got ${length}`);
}

/**
 * The number of examples in a file of ids. Ids at the end that do not fill an example are left out.
 *
 * @throws TrainError `DATA` when there is no whole example
 */
export function countExamples(path: string, ids: number, length: number, unit: "bytes" | "tokens"): number {
  const count = Math.floor((ids - 1) / length);
  if (count >= 1) return count;
  if (ids === 0) throw new TrainError("DATA", `${path}: the file is empty`);
  const need = `an example of length ${length} needs ${length + 1}`;
  throw new TrainError("DATA", `${path}: the file has ${ids} ${unit}, ${need}`);
}

/** @param ids `length + 1` ids */
export function exampleOfIds(ids: Iterable<number> & ArrayLike<number>): Example {
  const all = Int32Array.from(ids);
  return { ids: all.subarray(0, -1), targets: all.subarray(1) };
}
