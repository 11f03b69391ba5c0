import jpeg from "jpeg-js";
import { dataError, reasonOf } from "./dataError.ts";
import { checkExtents, type Pixels } from "./pixels.ts";

interface Header {
  readonly width: number;
  readonly height: number;
  readonly components: number;
  /** The code in Adobe's marker: 0 says that three components are red, green and blue. */
  readonly transform: number | undefined;
}

/** A progressive picture has about ten scans. Each costs a pass over all its blocks, in however few bytes. */
const maxScans = 100;

/**
 * Decodes a JPEG. Its sizes and its markers up to the end are checked before the decoder allocates memory for it.
 *
 * @throws TrainError `DATA`
 */
export function decodeJpeg(bytes: Uint8Array, name: string, maxPixels: number): Pixels {
  const { width, height, components, transform } = headerOf(bytes, name, maxPixels);
  let decoded: { readonly width: number; readonly height: number; readonly data: Uint8Array };
  try {
    decoded = jpeg.decode(bytes, {
      useTArray: true,
      formatAsRGBA: false,
      maxResolutionInMP: maxPixels / 1e6,
      // Coefficients of 32 bits, planes and the result, with the padding of blocks.
      maxMemoryUsageInMB: 64 + (40 * width * height) / 2 ** 20,
      ...(transform === undefined ? {} : { colorTransform: transform !== 0 }),
    });
  } catch (cause) {
    throw dataError(name, "expected a JPEG image", `a damaged one: ${reasonOf(cause)}`, cause);
  }
  if (components === 3) return { width, height, channels: 3, data: decoded.data };
  return { width, height, channels: 1, data: decoded.data.filter((_, i) => i % 3 === 0) };
}

/** Walks over the markers (ITU-T T.81, annex B). */
function headerOf(bytes: Uint8Array, name: string, maxPixels: number): Header {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const ended = () =>
    dataError(name, "expected a whole JPEG image", `a file that ends at byte ${bytes.length}`);
  let frame: Omit<Header, "transform"> | undefined;
  let transform: number | undefined;
  let scans = 0;
  for (let at = 2; ;) {
    while (bytes[at] === 0xff && bytes[at + 1] === 0xff) at++; // fill bytes
    if (at + 2 > bytes.length) throw ended();
    const marker = bytes[at + 1] ?? 0;
    if (bytes[at] !== 0xff || marker === 0)
      throw dataError(`${name}, byte ${at}`, "expected a JPEG marker", "another byte");
    if (marker === 0xd9) break;
    const length = at + 4 > bytes.length ? 0 : view.getUint16(at + 2, false);
    if (at + 2 + length > bytes.length || at + 4 > bytes.length) throw ended();
    if (length < 2)
      throw dataError(`${name}, byte ${at}`, "expected a JPEG marker of 2 bytes or more", String(length));
    const body = bytes.subarray(at + 4, at + 2 + length);
    if (isFrame(marker)) {
      if (frame) throw dataError(name, "expected a JPEG image with one frame", "two");
      frame = frameOf(marker, body, name, maxPixels);
    }
    const isAdobe = marker === 0xee && String.fromCharCode(...body.subarray(0, 5)) === "Adobe";
    if (isAdobe) transform = body[11];
    at += 2 + length;
    if (marker !== 0xda) continue;
    if (!frame) throw dataError(name, "expected the frame of a JPEG image before its scans", "none");
    if (++scans > maxScans) throw dataError(name, `expected at most ${maxScans} scans`, "more");
    at = endOfScan(bytes, at);
  }
  if (!frame || scans === 0) throw dataError(name, "expected a JPEG image with a frame and a scan", "none");
  return { ...frame, transform };
}

/** Start of a frame of any process; DHT, JPG and DAC lie between. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
}

function frameOf(
  marker: number,
  body: Uint8Array,
  name: string,
  maxPixels: number,
): Omit<Header, "transform"> {
  const [bits = 0, h1 = 0, h0 = 0, w1 = 0, w0 = 0, components = 0] = body;
  if (marker > 0xc2)
    throw dataError(name, "expected a baseline or progressive JPEG image", "another process");
  if (bits !== 8) throw dataError(name, "expected a JPEG image of 8 bits", String(bits));
  if (![1, 3].includes(components) || body.length !== 6 + 3 * components) {
    const got = components === 4 ? "4 (CMYK): save it as RGB" : String(components);
    throw dataError(name, "expected a JPEG image with 1 or 3 components", got);
  }
  const [width, height] = [w1 * 256 + w0, h1 * 256 + h0];
  checkExtents(name, width, height, maxPixels);
  for (let i = 0; i < components; i++) {
    const factors = body[7 + 3 * i] ?? 0;
    const isValid = [factors >> 4, factors & 15].every((factor) => factor >= 1 && factor <= 4);
    if (!isValid)
      throw dataError(name, "expected sampling factors from 1 to 4", `${factors >> 4} x ${factors & 15}`);
  }
  return { width, height, components };
}

/** The place of the marker after coded data, in which FF is followed by 00 or a restart marker. */
function endOfScan(bytes: Uint8Array, start: number): number {
  for (let at = bytes.indexOf(0xff, start); at !== -1; at = bytes.indexOf(0xff, at + 1)) {
    const next = bytes[at + 1] ?? 0;
    if (next !== 0 && !(next >= 0xd0 && next <= 0xd7) && next !== 0xff) return at;
  }
  return bytes.length;
}
