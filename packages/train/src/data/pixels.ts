import { dataError } from "./dataError.ts";

/** A picture: samples row by row, the channels of a pixel side by side. `ImageData` of a canvas is one with 4 channels. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** 1: grey. 2: grey and alpha. 3: red, green, blue. 4: and alpha. Default 4. */
  readonly channels?: number | undefined;
  /** [height, width, channels]; a `Uint16Array` has 16 bits per sample, the others 8. */
  readonly data: Uint8Array | Uint8ClampedArray | Uint16Array;
}

export interface DecodeOptions {
  /** A picture with more pixels is refused before memory is allocated for it. Default 2^24. */
  readonly maxPixels?: number | undefined;
}

export const defaultMaxPixels = 2 ** 24;

/** @throws TrainError `DATA` when a picture has no pixels, or more than the limit */
export function checkExtents(name: string, width: number, height: number, maxPixels: number): void {
  if (width >= 1 && height >= 1 && width * height <= maxPixels) return;
  throw dataError(name, `expected from 1 to ${maxPixels} pixels`, `${width} x ${height}`);
}
