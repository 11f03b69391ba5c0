import type { ImagesData } from "@mamba/core";
import { TrainError } from "../errors.ts";
import { checkWhole, dataError } from "./dataError.ts";
import type { Pixels } from "./pixels.ts";

/** The size and the normalisation of an input. */
export interface ImageInput extends Pick<ImagesData, "height" | "width" | "channels"> {
  /** Default 0.5 for each channel. */
  readonly mean?: readonly number[] | undefined;
  /** Default 0.5 for each channel. */
  readonly std?: readonly number[] | undefined;
}

/**
 * A picture as a model reads it, f32 [height, width, channels]: samples in [0, 1], laid over white where they are transparent,
 * as grey (0.299 R + 0.587 G + 0.114 B, ITU-R BT.601) or in three channels, stretched to the size, and normalised.
 *
 * Sizes change by a triangle filter over the pixels that an output pixel covers, and over its neighbours when it is enlarged:
 * the result of PyTorch's `interpolate(mode="bilinear", antialias=True)`, and of Pillow's `BILINEAR` but for rounding.
 *
 * @param input mean and std: default 0.5 each, so that the numbers lie in [-1, 1]
 * @throws TrainError `CONFIG` (input), `DATA` when the picture has not the numbers that its size needs
 */
export function imageInput(pixels: Pixels, input: ImageInput): Float32Array {
  const { height, width, channels } = input;
  const { mean, std } = checkedInput(input);
  const rowOf = rowReader(pixels, channels);
  const across = filterOf(pixels.width, width);
  const down = filterOf(pixels.height, height);
  // [H, width, C]
  const narrow = new Float32Array(pixels.height * width * channels);
  for (let y = 0, at = 0; y < pixels.height; y++) {
    const row = rowOf(y);
    for (const taps of across) {
      for (let c = 0; c < channels; c++)
        narrow[at++] = weighted(row, taps.first * channels + c, channels, taps);
    }
  }
  const result = new Float32Array(height * width * channels);
  const line = width * channels;
  for (const [y, taps] of down.entries()) {
    for (let k = 0; k < line; k++) {
      const c = k % channels;
      const sample = weighted(narrow, taps.first * line + k, line, taps);
      result[y * line + k] = (sample - (mean[c] ?? 0)) / (std[c] ?? 1);
    }
  }
  return result;
}

/** @throws TrainError `CONFIG` */
export function checkedInput({
  height,
  width,
  channels,
  mean,
  std,
}: ImageInput): Pick<ImagesData, "mean" | "std"> {
  checkWhole("images", { height, width });
  if (channels !== 1 && channels !== 3) {
    throw new TrainError("CONFIG", `images: channels must be 1 or 3, got ${String(channels)}`);
  }
  const half = Array.from({ length: channels }, () => 0.5);
  for (const [field, values] of Object.entries({ mean: mean ?? half, std: std ?? half })) {
    const isValid = values.every((value) => Number.isFinite(value) && (field === "mean" || value > 0));
    if (isValid && values.length === channels) continue;
    const rule = `${channels} finite number${channels === 1 ? "" : "s"}${field === "std" ? " above 0" : ""}`;
    throw new TrainError("CONFIG", `images: ${field} must be ${rule}, got ${values.join(", ")}`);
  }
  return { mean: mean ?? half, std: std ?? half };
}

/** A function that returns row y as [width, channels] in [0, 1]; it fills one buffer again and again. */
function rowReader({ width, height, channels: stored = 4, data }: Pixels, channels: number) {
  if (![1, 2, 3, 4].includes(stored) || data.length !== width * height * stored || data.length === 0) {
    throw dataError(
      "a picture",
      `expected ${width} x ${height} pixels of ${stored} samples`,
      `${data.length} samples`,
    );
  }
  const max = data instanceof Uint16Array ? 65535 : 255;
  const hasAlpha = stored % 2 === 0;
  const isGrey = stored <= 2;
  const row = new Float32Array(width * channels);
  return (y: number): Float32Array => {
    for (let x = 0, at = y * width * stored; x < width; x++, at += stored) {
      const alpha = hasAlpha ? (data[at + stored - 1] ?? 0) / max : 1;
      const red = data[at] ?? 0;
      const green = isGrey ? red : (data[at + 1] ?? 0);
      const blue = isGrey ? red : (data[at + 2] ?? 0);
      const white = 1 - alpha;
      const scale = alpha / max;
      if (channels === 1) {
        const grey = isGrey ? red : 0.299 * red + 0.587 * green + 0.114 * blue;
        row[x] = white + scale * grey;
      } else {
        row[3 * x] = white + scale * red;
        row[3 * x + 1] = white + scale * green;
        row[3 * x + 2] = white + scale * blue;
      }
    }
    return row;
  };
}

/** The input pixels that an output pixel is made of, and their weights, which sum to 1. */
interface Taps {
  readonly first: number;
  readonly weights: Float64Array;
}

/** The sum of numbers, `step` apart from `start` on, by their weights. */
function weighted(numbers: Float32Array, start: number, step: number, { weights }: Taps): number {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sum += (weights[i] ?? 0) * (numbers[start + i * step] ?? 0);
  return sum;
}

function filterOf(from: number, to: number): Taps[] {
  const scale = from / to;
  const support = Math.max(scale, 1);
  return Array.from({ length: to }, (_, i) => {
    const center = (i + 0.5) * scale;
    const first = Math.max(0, Math.floor(center - support + 0.5));
    const end = Math.min(from, Math.floor(center + support + 0.5));
    const weights = Float64Array.from({ length: end - first }, (_, k) =>
      Math.max(0, 1 - Math.abs((first + k + 0.5 - center) / support)),
    );
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}
