import { zlibSync } from "fflate";

interface Chunk {
  readonly type: string;
  readonly data: readonly number[] | Uint8Array;
}

interface Size {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  /** The colour type. */
  readonly colour: number;
  readonly interlace?: number;
}

/** A PNG of lines, each with the byte of its filter, also one that is wrong; `chunks` stand before the data. */
export function pngOf(
  { width, height, depth, colour, interlace = 0 }: Size,
  lines: readonly number[],
  chunks: readonly Chunk[] = [],
): Uint8Array {
  const header = [...u32(width), ...u32(height), depth, colour, 0, 0, interlace];
  const all = [
    { type: "IHDR", data: header },
    ...chunks,
    { type: "IDAT", data: zlibSync(Uint8Array.from(lines)) },
    { type: "IEND", data: [] },
  ];
  const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
  return Uint8Array.from([...signature, ...all.flatMap(chunkOf)]);
}

function chunkOf({ type, data }: Chunk): number[] {
  const body = [...new TextEncoder().encode(type), ...data];
  return [...u32(data.length), ...body, ...u32(crc32(body))];
}

function u32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

function crc32(bytes: readonly number[]): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
