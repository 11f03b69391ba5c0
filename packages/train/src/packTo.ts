import { TrainError } from "./errors.ts";

/**
 * Checks the option `packTo`, or that an example fits it.
 *
 * @param where the function that has the option, or the example
 * @param length positions of the example
 * @throws TrainError `CONFIG` (the option), `DATA` (the example)
 */
export function checkPackTo(where: string, packTo: number | undefined, length?: number): void {
  if (packTo === undefined) return;
  if (length === undefined) {
    if (Number.isSafeInteger(packTo) && packTo >= 1) return;
    throw new TrainError("CONFIG", `${where}: packTo must be a whole number >= 1, got ${packTo}`);
  }
  if (length <= packTo) return;
  throw new TrainError("DATA", `${where}: at most packTo = ${packTo} positions were expected, got ${length}`);
}
