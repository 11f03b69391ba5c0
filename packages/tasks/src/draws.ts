import { uniformAt } from "@mamba/core";
import { TrainError } from "@mamba/train";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** Draws a whole number in [min, max]. */
export type Draw = (min: number, max: number) => number;

/** A random stream that depends on `seed` and `index` only. */
export function draws(seed: number, index: number): Draw {
  // An index can have more bits than the 32 of one key.
  const key = uniformAt(seed, index % 2 ** 32, Math.floor(index / 2 ** 32));
  const stream = xoroshiro128plus(Math.floor(key * 2 ** 32));
  return (min, max) => uniformInt(stream, min, max);
}

/** @throws TrainError `CONFIG` */
export function checkWhole(task: string, field: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new TrainError(
      "CONFIG",
      `${task}: ${field} must be a whole number from ${min} to ${max}, got ${value}`,
    );
  }
}
