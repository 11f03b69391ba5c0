import { uniformAt } from "@mamba/core";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { TrainError } from "../errors.ts";

/** Whole numbers in [min, max], from a random stream that belongs to this seed and index alone. */
export function draws(seed: number, index: number): (min: number, max: number) => number {
  // An index can need more bits than the 32 that a key has.
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
