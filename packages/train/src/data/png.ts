import { type DecodedPng, decode } from "fast-png";
import { Unzlib } from "fflate";
import { dataError, quoted, reasonOf } from "./dataError.ts";
import { checkExtents, type Pixels } from "./pixels.ts";

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** The bit depths and the channels of the colour types (PNG specification, 11.2.2). */
const colourTypes: Readonly<Record<number, { channels: number; depths: readonly number[] }>> = {
  0: { channels: 1, depths: [1, 2, 4, 8, 16] },
  2: { channels: 3, depths: [8, 16] },
  3: { channels: 1, depths: [1, 2, 4, 8] },
  4: { channels: 2, depths: [8, 16] },
  6: { channels: 4, depths: [8, 16] },
};

interface Chunk {
  readonly type: string;
  /** The whole chunk: length, type, data and checksum. */
  readonly bytes: Uint8Array;
  readonly data: Uint8Array;
}

interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly channels: number;
  readonly interlaced: boolean;
}

/**
 * Decodes a PNG. Its sizes, and the size of its data once expanded, are checked before the decoder allocates memory for it; the
 * decoder gets no chunk but those of the picture.
 *
 * @throws TrainError `DATA`
 */
export function decodePng(bytes: Uint8Array, name: string, maxPixels: number): Pixels {
  const chunks = chunksOf(bytes, name);
  const header = headerOf(chunks, name);
  checkExtents(name, header.width, header.height, maxPixels);
  checkData(chunks, header, name);
  let decoded: DecodedPng;
  try {
    decoded = decode(joined(chunks), { checkCrc: true });
  } catch (cause) {
    throw dataError(name, "expected a PNG image", `a damaged one: ${reasonOf(cause)}`, cause);
  }
  return pixelsOf(decoded, name);
}

/** The chunks that make up the picture. */
function chunksOf(bytes: Uint8Array, name: string): Chunk[] {
  if (signature.some((byte, i) => bytes[i] !== byte))
    throw dataError(name, "expected a PNG image", "another beginning");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: Chunk[] = [];
  for (let at = signature.length; ;) {
    const length = at + 12 <= bytes.length ? view.getUint32(at, false) : 0;
    if (at + 12 + length > bytes.length) {
      throw dataError(name, `expected a whole PNG image`, `a file that ends at byte ${bytes.length}`);
    }
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const data = bytes.subarray(at + 8, at + 8 + length);
    if (["IHDR", "PLTE", "tRNS", "IDAT", "IEND"].includes(type)) {
      chunks.push({ type, data, bytes: bytes.subarray(at, at + 12 + length) });
    } else if (!/^[a-z][A-Za-z]{3}$/.test(type)) {
      throw dataError(`${name}, byte ${at}`, "expected a known PNG chunk", quoted(type));
    }
    if (type === "IEND") return chunks;
    at += 12 + length;
  }
}

function headerOf([first, ...others]: readonly Chunk[], name: string): Header {
  if (first?.type !== "IHDR" || first.data.length !== 13 || others.some(({ type }) => type === "IHDR")) {
    throw dataError(name, "expected a PNG image that begins with its only header", "none");
  }
  const view = new DataView(first.data.buffer, first.data.byteOffset, first.data.byteLength);
  const [depth, colour, compression, filter, interlace] = [8, 9, 10, 11, 12].map((at) => view.getUint8(at));
  const type = colourTypes[colour ?? -1];
  if (
    !type?.depths.includes(depth ?? 0) ||
    compression !== 0 ||
    filter !== 0 ||
    !(interlace === 0 || interlace === 1)
  ) {
    throw dataError(name, "expected a valid PNG header", `${depth ?? 0} bits of colour type ${colour ?? 0}`);
  }
  if (interlace === 1 && Number(depth) < 8) {
    const got = `an interlaced one of ${depth ?? 0}`;
    throw dataError(name, "expected a PNG image of 8 or 16 bits, or one that is not interlaced", got);
  }
  return {
    width: view.getUint32(0, false),
    height: view.getUint32(4, false),
    depth: depth ?? 0,
    channels: type.channels,
    interlaced: interlace === 1,
  };
}

/** Expands the data without keeping it: the decoder would keep whatever a small file expands to, and fill what is missing. */
function checkData(chunks: readonly Chunk[], header: Header, name: string): void {
  const expected = expandedBytes(header);
  let found = 0;
  const inflate = new Unzlib((part) => {
    found += part.length;
  });
  const tooMuch = () => dataError(name, `expected ${expected} bytes of picture data`, "more");
  const push = (bytes: Uint8Array, final: boolean) => {
    try {
      inflate.push(bytes, final);
    } catch (cause) {
      const got = `data that is damaged or ends too early: ${reasonOf(cause)}`;
      throw dataError(name, `expected ${expected} bytes of picture data`, got, cause);
    }
    if (found > expected) throw tooMuch();
  };
  // A byte expands to at most 1032, so a push keeps no more than 8 MB.
  const step = 8192;
  for (const { type, data } of chunks) {
    if (type !== "IDAT") continue;
    for (let at = 0; at < data.length; at += step) push(data.subarray(at, at + step), false);
  }
  push(new Uint8Array(0), true);
  if (found !== expected) throw dataError(name, `expected ${expected} bytes of picture data`, String(found));
}

/** The bytes of all lines, each with the byte that names its filter. */
function expandedBytes({ width, height, depth, channels, interlaced }: Header): number {
  const lines = (w: number, h: number) => (w < 1 ? 0 : h * (1 + Math.ceil((w * channels * depth) / 8)));
  if (!interlaced) return lines(width, height);
  // First column and row, and steps, of the passes of Adam7.
  const passes = [
    [0, 0, 8, 8],
    [4, 0, 8, 8],
    [0, 4, 4, 8],
    [2, 0, 4, 4],
    [0, 2, 2, 4],
    [1, 0, 2, 2],
    [0, 1, 1, 2],
  ];
  return passes.reduce((sum, [x = 0, y = 0, dx = 1, dy = 1]) => {
    return sum + lines(Math.ceil((width - x) / dx), Math.max(0, Math.ceil((height - y) / dy)));
  }, 0);
}

function joined(chunks: readonly Chunk[]): Uint8Array {
  const size = chunks.reduce((sum, { bytes }) => sum + bytes.length, signature.length);
  const file = new Uint8Array(size);
  file.set(signature);
  let at = signature.length;
  for (const { bytes } of chunks) {
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}

/** Looks up a palette, unpacks samples of fewer than 8 bits, and turns a transparent colour into alpha. */
function pixelsOf(
  { width, height, depth, channels, data, palette, transparency }: DecodedPng,
  name: string,
): Pixels {
  const samples =
    depth < 8 ? unpacked(data as Uint8Array, width, height, depth) : (data as Uint8Array | Uint16Array);
  if (palette && channels === 1) return looked(samples, palette, { width, height }, name);
  const max = 2 ** depth - 1;
  const scaled = depth < 8 ? samples.map((sample) => (sample * 255) / max) : samples;
  if (!transparency) return { width, height, channels, data: scaled };
  const withAlpha =
    depth === 16
      ? new Uint16Array(width * height * (channels + 1))
      : new Uint8Array(width * height * (channels + 1));
  for (let pixel = 0; pixel < width * height; pixel++) {
    let isKey = true;
    for (let c = 0; c < channels; c++) {
      withAlpha[pixel * (channels + 1) + c] = scaled[pixel * channels + c] ?? 0;
      if (samples[pixel * channels + c] !== transparency[c]) isKey = false;
    }
    withAlpha[pixel * (channels + 1) + channels] = isKey ? 0 : depth === 16 ? 65535 : 255;
  }
  return { width, height, channels: channels + 1, data: withAlpha };
}

function looked(
  indices: Uint8Array | Uint16Array,
  palette: readonly (readonly number[])[],
  { width, height }: { width: number; height: number },
  name: string,
): Pixels {
  const channels = palette[0]?.length ?? 3;
  const data = new Uint8Array(width * height * channels);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const colour = palette[indices[pixel] ?? -1];
    if (!colour)
      throw dataError(
        name,
        `expected indices below ${palette.length}, the size of the palette`,
        String(indices[pixel]),
      );
    for (let c = 0; c < channels; c++) data[pixel * channels + c] = colour[c] ?? 255;
  }
  return { width, height, channels, data };
}

/** Samples of 1, 2 or 4 bits, first in the high bits; each line begins with a byte. */
function unpacked(data: Uint8Array, width: number, height: number, depth: number): Uint8Array {
  const lineBytes = Math.ceil((width * depth) / 8);
  const samples = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const bit = x * depth;
      const byte = data[y * lineBytes + (bit >> 3)] ?? 0;
      samples[y * width + x] = (byte >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
    }
  }
  return samples;
}
