import fc from "fast-check";
import { expect, test } from "vitest";
import { bytesSource, type ByteSource } from "./byteSource.ts";
import { alignmentOf, safetensorsDTypes, tensorBytes } from "./dtypes.ts";
import { SafetensorsError } from "./errors.ts";
import { openSafetensors } from "./reader.ts";
import { rawSafetensors, safetensors } from "./testing.ts";

const f32 = (begin: number, end: number, shape = [(end - begin) / 4]) => ({
  dtype: "F32",
  shape,
  data_offsets: [begin, end],
});

const someTensors = fc
  .uniqueArray(
    fc.record({
      name: fc.string({ unit: "grapheme", maxLength: 12 }).filter((name) => name !== "__metadata__"),
      dtype: fc.constantFrom(...safetensorsDTypes),
      shape: fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 4 }),
      fill: fc.integer({ min: 0, max: 255 }),
    }),
    { selector: ({ name }) => name, maxLength: 8 },
  )
  .map((list) =>
    list.map(({ name, dtype, shape, fill }) => {
      const bytes = Uint8Array.from({ length: tensorBytes(dtype, shape) }, (_, i) => (fill + i * 31) & 255);
      return { name, dtype, shape, bytes: () => bytes };
    }),
  );

test("what was written is read back bit by bit, with metadata, also from a source without a size", async () => {
  const metadata = fc.dictionary(fc.string({ maxLength: 5 }), fc.string());
  await fc.assert(
    fc.asyncProperty(someTensors, metadata, async (tensors, extra) => {
      const file = await safetensors(tensors, extra);
      expect(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true) % 8n).toBe(0n);
      for (const source of [bytesSource(file), { ...bytesSource(file), size: undefined }]) {
        await using opened = await openSafetensors(source);
        expect(opened.metadata).toEqual(extra);
        expect(opened.tensors.size).toBe(tensors.length);
        for (const { name, dtype, shape, byteOffset } of opened.tensors.values()) {
          const written = tensors.find((tensor) => tensor.name === name);
          expect({ dtype, shape }).toEqual({ dtype: written?.dtype, shape: written?.shape });
          expect(byteOffset % alignmentOf(dtype)).toBe(0);
          expect(await opened.read(name)).toEqual(written?.bytes());
        }
      }
    }),
  );
});

test("chunks fill the buffer, all but the last, and cover the range", async () => {
  const bytes = Uint8Array.from({ length: 20 }, (_, i) => i);
  const file = await safetensors([{ name: "x", dtype: "U8", shape: [20], bytes: () => bytes }]);
  await using opened = await openSafetensors(bytesSource(file));
  const read = async (range?: readonly [number, number]) => {
    const chunks: number[][] = [];
    for await (const chunk of opened.chunks("x", new Uint8Array(8), range)) chunks.push([...chunk]);
    return chunks;
  };
  const all = await read();
  expect(all.map((chunk) => chunk.length)).toEqual([8, 8, 4]);
  expect(all.flat()).toEqual([...bytes]);
  const range = await read([3, 14]);
  expect(range.map((chunk) => chunk.length)).toEqual([8, 3]);
  expect(range.flat()).toEqual([...bytes.subarray(3, 14)]);
});

test.each([
  ["an empty file", new Uint8Array(0), "TRUNCATED", "ends at byte 0"],
  [
    "a file that ends in the header",
    rawSafetensors({ a: f32(0, 4) }, 4).subarray(0, 30),
    "TRUNCATED",
    "file has 30",
  ],
  ["a file that ends in the data", rawSafetensors({ a: f32(0, 8) }, 4), "TRUNCATED", "its tensors need"],
  ["bytes that belong to no tensor", rawSafetensors({ a: f32(0, 8) }, 12), "OFFSETS", "4 bytes after"],
  ["a header of 2^60 bytes", rawSafetensors({}, 0, 2n ** 60n), "TOO_LARGE", String(2n ** 60n)],
  [
    "a header above the cap",
    rawSafetensors({}, 20 * 2 ** 20, 17n * 2n ** 20n),
    "TOO_LARGE",
    "at most 16777216",
  ],
  ["a header above the file", rawSafetensors({}, 0, 100n), "TRUNCATED", "100 bytes"],
  ["overlapping tensors", rawSafetensors({ a: f32(0, 8), b: f32(4, 12) }, 12), "OFFSETS", "overlaps"],
  ["twice the same bytes", rawSafetensors({ a: f32(0, 8), b: f32(0, 8) }, 8), "OFFSETS", "overlaps"],
  ["a gap", rawSafetensors({ a: f32(0, 4), b: f32(8, 12) }, 12), "OFFSETS", "leaves a gap"],
  ["offsets out of the file", rawSafetensors({ a: f32(0, 4), b: f32(4, 2 ** 40) }, 4), "TRUNCATED", "need"],
  [
    "reversed offsets",
    rawSafetensors({ a: { ...f32(0, 4), data_offsets: [4, 0] } }, 4),
    "OFFSETS",
    "before it begins",
  ],
  [
    "fractional offsets",
    rawSafetensors({ a: { ...f32(0, 4), data_offsets: [0.5, 4.5] } }, 4),
    "OFFSETS",
    "[0.5, 4.5]",
  ],
  [
    "negative offsets",
    rawSafetensors({ a: { ...f32(0, 4), data_offsets: [-4, 0] } }, 4),
    "OFFSETS",
    "[-4, 0]",
  ],
  [
    "a single offset",
    rawSafetensors({ a: { ...f32(0, 4), data_offsets: [0] } }, 4),
    "OFFSETS",
    "[begin, end]",
  ],
  ["a negative shape", rawSafetensors({ a: f32(0, 4, [-1, -1]) }, 4), "SHAPE", "[-1, -1]"],
  ["a fractional shape", rawSafetensors({ a: f32(0, 4, [0.5, 2]) }, 4), "SHAPE", "[0.5, 2]"],
  [
    "a shape that overflows",
    rawSafetensors({ a: f32(0, 0, [2 ** 40, 2 ** 40]) }, 0),
    "SHAPE",
    "beyond any file",
  ],
  [
    "a shape that overflows 64 bits to 0",
    rawSafetensors({ a: f32(0, 0, [2 ** 32, 2 ** 32]) }, 0),
    "SHAPE",
    "beyond",
  ],
  ["a shape that is too short", rawSafetensors({ a: f32(0, 8, [1]) }, 8), "SHAPE", "takes 4 bytes"],
  ["a shape that is no list", rawSafetensors({ a: { ...f32(0, 4), shape: "4" } }, 4), "SHAPE", '"4"'],
  ["an unknown dtype", rawSafetensors({ a: { ...f32(0, 4), dtype: "F31" } }, 4), "DTYPE", '"F31"'],
  [
    "a dtype of Object.prototype",
    rawSafetensors({ a: { ...f32(0, 4), dtype: "valueOf" } }, 4),
    "DTYPE",
    "valueOf",
  ],
  ["no dtype", rawSafetensors({ a: { shape: [1], data_offsets: [0, 4] } }, 4), "DTYPE", "undefined"],
  ["a tensor that is a number", rawSafetensors({ a: 5 }, 0), "HEADER", "got 5"],
  [
    "metadata that is not text",
    rawSafetensors({ __metadata__: { a: 1 } }, 0),
    "HEADER",
    "strings to strings",
  ],
  ["a header that is a list", rawSafetensors([], 0), "JSON", "expected an object"],
  ["a header with NaN", rawSafetensors('{"a": {"shape": [NaN]}}', 0), "JSON", "NaN"],
  ["a repeated tensor", rawSafetensors('{"a": 1, "a": 1}', 0), "DUPLICATE_KEY", '"a" appears twice'],
  ["a zip of pickles", new TextEncoder().encode("PK\x03\x04\x00\x00\x08\x08"), "PICKLE", "pickle"],
  ["a bare pickle", Uint8Array.of(0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9), "PICKLE", "pickle"],
  ["a Git LFS pointer", new TextEncoder().encode("version https://git-lfs"), "HEADER", "git lfs pull"],
])("refuses %s", async (_, file, code, words) => {
  const closed: string[] = [];
  const error = await refusal(() => openSafetensors(watched(file, closed)));
  expect(error).toMatchObject({ code, message: expect.stringContaining(words) as string });
  expect(closed).toEqual(["closed"]);
});

test("the order of the header's keys is free, as in the format", async () => {
  const file = rawSafetensors({ b: f32(4, 12), a: f32(0, 4), empty: f32(4, 4, [0, 3]) }, 12);
  const { tensors } = await openSafetensors(bytesSource(file));
  expect([...tensors.keys()]).toEqual(["a", "empty", "b"]);
});

test("a source of unknown size that ends early is an error when its tensor is read", async () => {
  const file = rawSafetensors({ a: f32(0, 8) }, 4);
  await using opened = await openSafetensors({ ...bytesSource(file), size: undefined });
  expect(await refusal(() => opened.read("a"))).toMatchObject({ code: "TRUNCATED" });
  expect(await refusal(() => opened.read("b"))).toMatchObject({ code: "MISSING_TENSOR" });
});

test("no damage to a file crashes the reader or makes it allocate more than the file and the cap allow", async () => {
  const damage = fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) });
  await fc.assert(
    fc.asyncProperty(
      someTensors,
      fc.array(damage, { maxLength: 6 }),
      fc.nat(),
      async (tensors, hits, cut) => {
        const whole = new Uint8Array(await safetensors(tensors));
        for (const { at, byte } of hits) whole[at % Math.min(whole.length, 400)] = byte;
        await survives(whole.subarray(0, cut % 3 === 0 ? cut % (whole.length + 1) : whole.length));
      },
    ),
    { numRuns: 1500 },
  );
});

test("no header at all crashes the reader", async () => {
  const number = fc.oneof(
    fc.integer(),
    fc.double(),
    fc.constantFrom(2 ** 31, 2 ** 32, 2 ** 53, 2 ** 63, 1e308, -0),
  );
  const anything = fc.oneof(fc.jsonValue({ maxDepth: 3 }), number);
  const entry = fc.record(
    {
      dtype: fc.oneof(fc.constantFrom(...safetensorsDTypes), anything),
      shape: fc.oneof(fc.array(fc.oneof(number, anything), { maxLength: 4 }), anything),
      data_offsets: fc.oneof(fc.array(number, { maxLength: 3 }), anything),
    },
    { requiredKeys: [] },
  );
  const header = fc.dictionary(fc.string({ maxLength: 4 }), fc.oneof(entry, anything), { maxKeys: 4 });
  await fc.assert(
    fc.asyncProperty(header, fc.integer({ min: 0, max: 64 }), async (json, data) => {
      await survives(rawSafetensors(json, data));
    }),
    { numRuns: 1500 },
  );
});

/** Opens and reads a file. It must work or be a `SafetensorsError`, and never read more than the size of the file. */
async function survives(file: Uint8Array): Promise<void> {
  const source = bytesSource(file);
  const bounded: ByteSource = {
    ...source,
    read(offset, into) {
      expect(into.length).toBeLessThanOrEqual(Math.max(8, file.length));
      return source.read(offset, into);
    },
  };
  try {
    await using opened = await openSafetensors(bounded);
    for (const name of opened.tensors.keys()) await opened.read(name);
  } catch (error) {
    if (!SafetensorsError.is(error)) throw error;
  }
}

/** The `SafetensorsError` that `action` must end in. */
async function refusal(action: () => Promise<unknown>): Promise<SafetensorsError> {
  const error: unknown = await action().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!SafetensorsError.is(error)) throw new Error(`expected a SafetensorsError, got ${String(error)}`);
  return error;
}

function watched(file: Uint8Array, log: string[]): ByteSource {
  return { ...bytesSource(file), close: () => Promise.resolve(void log.push("closed")) };
}
