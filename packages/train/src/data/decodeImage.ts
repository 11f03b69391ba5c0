import { dataError } from "./dataError.ts";
import { type DecodeOptions, defaultMaxPixels, type Pixels } from "./pixels.ts";

/**
 * Decodes a PNG (every colour type and depth; interlaced ones with 8 or 16 bits) or a JPEG (baseline and progressive, grey and
 * colour; not CMYK). The orientation in a JPEG's EXIF data and colour profiles are not applied. The decoder is loaded with the
 * first image of its format.
 *
 * @param name the file, for messages
 * @throws TrainError `DATA` when the file is neither, is damaged or ends too early, or has more pixels than the limit
 */
export async function decodeImage(
  bytes: Uint8Array,
  name: string,
  { maxPixels = defaultMaxPixels }: DecodeOptions = {},
): Promise<Pixels> {
  if (bytes[0] === 0x89 && bytes[1] === 0x50)
    return (await import("./png.ts")).decodePng(bytes, name, maxPixels);
  if (bytes[0] === 0xff && bytes[1] === 0xd8)
    return (await import("./jpeg.ts")).decodeJpeg(bytes, name, maxPixels);
  throw dataError(
    name,
    "expected a PNG or JPEG image",
    bytes.length === 0 ? "an empty file" : "another format",
  );
}
