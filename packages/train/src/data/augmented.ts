import { uniformAt } from "@mamba/core";
import type { ArrayExample } from "../arrayExample.ts";
import type { ExampleSource } from "../dataSource.ts";
import { TrainError } from "../errors.ts";
import { shuffledIndex } from "../shuffledIndex.ts";
import { checkWhole } from "./dataError.ts";

export interface AugmentedOptions<E> {
  /** Says in words what is changed; part of the source's `id`. */
  readonly id: string;
  /** Default 0. */
  readonly seed?: number | undefined;
  /** @param random returns a number in [0, 1), which depends on the seed, the epoch, the example and the number of calls */
  readonly change: (example: E, random: () => number) => E;
}

/**
 * A source without an end, in which each epoch has every example of another source once, in an order of its own, changed in a
 * way of its own. Equal indices give equal examples. Divide a source (`splitSource`) before.
 *
 * @throws TrainError `DATA` when the source has no end or no examples
 */
export function augmented<E>(
  source: ExampleSource<E>,
  { id, seed = 0, change }: AugmentedOptions<E>,
): ExampleSource<E> {
  const { count } = source;
  if (count === undefined || count === 0) {
    throw new TrainError("DATA", `${source.id}: expected a source with examples and an end`);
  }
  return {
    id: `${source.id}, ${id}, seed ${seed}`,
    count: undefined,
    async example(index) {
      const original = shuffledIndex(index, count, seed);
      const epoch = Math.floor(index / count);
      let calls = 0;
      return change(await source.example(original), () => uniformAt(seed, epoch, original, calls++));
    },
  };
}

export interface ShiftOptions {
  readonly height: number;
  readonly width: number;
  /** Default 1. */
  readonly channels?: number | undefined;
  /** The largest shift along each side, in pixels; smaller than the sides. Default 2. */
  readonly by?: number | undefined;
  /** The number of the pixels that come in at the edges, such as the background's after normalisation. Default 0. */
  readonly fill?: number | undefined;
  /** Default 0. */
  readonly seed?: number | undefined;
}

/**
 * Images [H, W, C] that are shifted at random, by whole pixels, in each epoch anew: see `augmented`.
 *
 * @throws TrainError `CONFIG` (options); `DATA` when an input has another size
 */
export function shifted(
  source: ExampleSource<ArrayExample>,
  { height, width, channels = 1, by = 2, fill = 0, seed = 0 }: ShiftOptions,
): ExampleSource<ArrayExample> {
  checkWhole("shifted", { height, width, channels });
  checkWhole("shifted", { by }, 0);
  if (by >= Math.min(height, width)) {
    const rule = `below the sides of the images, ${height} x ${width}`;
    throw new TrainError("CONFIG", `shifted: by must be ${rule}, got ${by}`);
  }
  return augmented(source, {
    id: `shifted by up to ${by}, filled with ${fill}`,
    seed,
    change({ input, target }, random) {
      if (input.length !== height * width * channels) {
        const size = `${height} x ${width} x ${channels}`;
        throw new TrainError("DATA", `${source.id}: expected images of ${size} numbers, got ${input.length}`);
      }
      const [down, right] = [random(), random()].map((value) => Math.floor(value * (2 * by + 1)) - by);
      return { input: shift(input, { height, width, channels, fill }, down ?? 0, right ?? 0), target };
    },
  });
}

function shift(
  image: ArrayExample["input"],
  { height, width, channels, fill }: Readonly<Record<"height" | "width" | "channels" | "fill", number>>,
  down: number,
  right: number,
): ArrayExample["input"] {
  const result = image.slice().fill(fill);
  const count = (width - Math.abs(right)) * channels;
  if (count <= 0) return result;
  for (let y = Math.max(0, down); y < Math.min(height, height + down); y++) {
    const from = ((y - down) * width + Math.max(0, -right)) * channels;
    result.set(image.subarray(from, from + count), (y * width + Math.max(0, right)) * channels);
  }
  return result;
}
