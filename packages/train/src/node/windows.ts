import { TrainError } from "../errors.ts";
import type { Example } from "../dataSource.ts";

/** @throws TrainError `CONFIG` */
export function checkLength(path: string, length: number): void {
  if (Number.isInteger(length) && length >= 1 && length <= 2 ** 28) return;
  throw new TrainError("CONFIG", `${path}: length must be a whole number from 1 to 2^28, got ${length}`);
}

/**
 * How many examples lie in a row of ids: example i asks of ids [i * length, (i + 1) * length) for the ids that follow. A
 * rest shorter than an example is left out.
 *
 * @throws TrainError `DATA` when there is not one
 */
export function countWindows(path: string, ids: number, length: number, unit: "bytes" | "tokens"): number {
  const count = Math.floor((ids - 1) / length);
  if (count >= 1) return count;
  if (ids === 0) throw new TrainError("DATA", `${path}: the file is empty`);
  const need = `an example of length ${length} needs ${length + 1}`;
  throw new TrainError("DATA", `${path}: the file has ${ids} ${unit}, ${need}`);
}

/** The example of `length + 1` ids. */
export function windowOf(ids: Iterable<number> & ArrayLike<number>): Example {
  const all = Int32Array.from(ids);
  return { ids: all.subarray(0, -1), targets: all.subarray(1) };
}
