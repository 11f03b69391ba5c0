export { arraySource, type ArraySource, type ArraySourceOptions } from "./data/arraySource.ts";
export { augmented, type AugmentedOptions, shifted, type ShiftOptions } from "./data/augmented.ts";
export { type CsvOptions, type CsvTable, type MissingRule, parseCsv } from "./data/csv.ts";
export { decodeImage } from "./data/decodeImage.ts";
export { parseIdx } from "./data/idx.ts";
export { type ImageInput, imageInput } from "./data/imageInput.ts";
export { idxImages, type IdxImagesOptions, type ImageSource } from "./data/imageSource.ts";
export { parseNpy } from "./data/npy.ts";
export type { NumberArray, NumericArray } from "./data/numericArray.ts";
export { type PackedRows, packRows } from "./data/packRows.ts";
export type { DecodeOptions, Pixels } from "./data/pixels.ts";
export {
  seriesInput,
  type SeriesOptions,
  type SeriesSource,
  seriesWindows,
  type SeriesWindows,
} from "./data/series.ts";
export {
  type FiniteSource,
  type OrderedSource,
  type Split,
  type SplitOptions,
  splitSource,
} from "./data/splitSource.ts";
