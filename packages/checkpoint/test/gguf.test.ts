import { bytesSource, type ByteSource } from "@mamba/core/safetensors";
import { expect, test } from "vitest";
import { openGguf } from "../src/formats/gguf/open.ts";
import { streamSource } from "../src/sources/stream.ts";
import { refusal } from "./support/folders.ts";
import { entry, f32, f64, rawGguf, string, tensor, u16, u32, u64, u8 } from "./support/ggufBytes.ts";

const data = Uint8Array.from({ length: 96 }, (_, i) => i);
const twoTensors = [tensor("a", [3, 2], 0, 0), tensor("blk.0.b", [32], 8, 32)]; // 24 bytes F32, 34 bytes Q8_0

/** A source that records the offsets of its reads. */
function watched(bytes: Uint8Array, size: number | undefined): { source: ByteSource; log: number[] } {
  const log: number[] = [];
  const inner = bytesSource(bytes);
  return {
    log,
    source: {
      ...inner,
      size,
      read(offset, into) {
        log.push(offset);
        return inner.read(offset, into);
      },
    },
  };
}

test("values of every type, tensors in PyTorch's order, from a source with and without a size", async () => {
  const entries = [
    entry("general.architecture", 8, string("mamba")),
    entry("u8", 0, u8(255)),
    entry("i8", 1, u8(-1)),
    entry("u16", 2, u16(65535)),
    entry("i16", 3, u16(-2)),
    entry("u32", 4, u32(4294967295)),
    entry("i32", 5, u32(-3)),
    entry("f32", 6, f32(1.5)),
    entry("bool", 7, u8(1)),
    entry("u64", 10, u64(2n ** 64n - 1n)),
    entry("i64", 11, u64(-4n)),
    entry("f64", 12, f64(0.1)),
    entry("words", 9, [...u32(8), ...u64(3), ...string("ä"), ...string(""), ...string("\uFEFF<s>")]),
    entry("numbers", 9, [...u32(5), ...u64(2), ...u32(-1), ...u32(7)]),
    entry("bits", 9, [...u32(7), ...u64(2), 0, 1]),
    entry("big", 9, [...u32(11), ...u64(1), ...u64(-5n)]),
    entry("none", 9, [...u32(6), ...u64(0)]),
    entry("__proto__", 4, u32(1)),
  ];
  const file = rawGguf({ entries, tensors: twoTensors, data });
  for (const size of [file.length, undefined]) {
    await using opened = await openGguf(watched(file, size).source);
    expect(opened.version).toBe(3);
    expect(opened.alignment).toBe(32);
    const values = [...opened.metadata].map(([key, { value }]) => [
      key,
      typeof value === "object" ? Array.from<unknown>(value) : value,
    ]);
    expect(values).toEqual([
      ["general.architecture", "mamba"],
      ["u8", 255],
      ["i8", -1],
      ["u16", 65535],
      ["i16", -2],
      ["u32", 4294967295],
      ["i32", -3],
      ["f32", 1.5],
      ["bool", true],
      ["u64", 2n ** 64n - 1n],
      ["i64", -4n],
      ["f64", 0.1],
      ["words", ["ä", "", "\uFEFF<s>"]],
      ["numbers", [-1, 7]],
      ["bits", [false, true]],
      ["big", [-5n]],
      ["none", []],
      ["__proto__", 1],
    ]);
    expect([...opened.tensors.values()]).toMatchObject([
      { name: "a", dtype: "F32", shape: [2, 3], byteLength: 24 },
      { name: "blk.0.b", dtype: "Q8_0", shape: [32], byteLength: 34 },
    ]);
    expect(await opened.read("a")).toEqual(data.subarray(0, 24));
    expect(await opened.read("blk.0.b")).toEqual(data.subarray(32, 66));
    const chunks: number[][] = [];
    for await (const chunk of opened.chunks("blk.0.b", new Uint8Array(8), [2, 20])) chunks.push([...chunk]);
    expect(chunks.map((chunk) => chunk.length)).toEqual([8, 8, 2]);
    expect(chunks.flat()).toEqual([...data.subarray(34, 52)]);
  }
});

test("a download is read forward only, and a header of several chunks in bounded ones", async () => {
  const long = "x".repeat(300_000);
  const words = Array.from({ length: 30_000 }, (_, i) => `w${i}`);
  const entries = [
    entry("long", 8, string(long)),
    entry("words", 9, [...u32(8), ...u64(words.length), ...words.flatMap((word) => string(word))]),
  ];
  const many = new Uint8Array(3 * 2 ** 20).fill(7);
  many.fill(9, 2 ** 20);
  const tensors = [tensor("a", [2 ** 18], 0, 0), tensor("b", [2 ** 19], 0, 2 ** 20)];
  const file = rawGguf({ entries, tensors, data: many });
  const { source, log } = watched(file, file.length);
  await using opened = await openGguf(source);
  expect(opened.metadata.get("words")).toEqual({ type: "array", items: "string", value: words });
  for (const [name, value] of [
    ["a", 7],
    ["b", 9],
  ] as const) {
    for await (const chunk of opened.chunks(name, new Uint8Array(100_000)))
      expect(chunk.every((byte) => byte === value)).toBe(true);
  }
  expect(log).toEqual([...log].sort((a, b) => a - b));
  const stream = new Blob([file as BlobPart]).stream();
  await using streamed = await openGguf(streamSource(stream, "stream", file.length));
  expect(streamed.metadata.get("long")).toEqual({ type: "string", value: long });
  expect((await streamed.read("b")).every((byte) => byte === 9)).toBe(true);
});

test("another alignment, and a file that ends with its last tensor", async () => {
  const entries = [entry("general.alignment", 4, u32(64))];
  const tensors = [tensor("a", [1], 0, 0), tensor("b", [1], 0, 64)];
  const file = rawGguf({ entries, tensors, alignment: 64, data: new Uint8Array(68) });
  await using opened = await openGguf(bytesSource(file));
  expect(opened.dataStart % 64).toBe(0);
  expect(opened.end).toBe(file.length);
});

const mega = 2n ** 40n;
test.each<[string, Uint8Array, string, string]>([
  ["an empty file", new Uint8Array(0), "TRUNCATED", "8 bytes"],
  ["another file", rawGguf({ magic: "PK\x03\x04" }), "HEADER", "not a GGUF file"],
  ["a Git LFS pointer", rawGguf({ magic: "vers" }), "HEADER", "Git LFS"],
  ["a file from before GGUF", rawGguf({ magic: "tjgg" }), "GGUF_VERSION", "before GGUF"],
  ["version 1", rawGguf({ version: 1 }), "GGUF_VERSION", "version 1"],
  ["version 4", rawGguf({ version: 4 }), "GGUF_VERSION", "version 4"],
  ["big-endian", rawGguf({ version: 0x03000000 }), "GGUF_VERSION", "big-endian"],
  ["2^63 entries", rawGguf({ entryCount: 2n ** 63n }), "TRUNCATED", "needs"],
  ["2^64 - 1 tensors", rawGguf({ tensorCount: 2n ** 64n - 1n }), "TRUNCATED", "needs"],
  ["a string beyond the file", rawGguf({ entries: [[...u64(mega), ...u64(0)]] }), "TRUNCATED", "a key"],
  ["a string of 2^64 - 1 bytes", rawGguf({ entries: [[...u64(-1n), ...u64(0)]] }), "TRUNCATED", "a key"],
  ["an empty key", rawGguf({ entries: [entry("", 4, u32(1))] }), "HEADER", "empty key"],
  ["a long key", rawGguf({ entries: [entry("k".repeat(65536), 0, [1])] }), "HEADER", "at most 65535"],
  [
    "a repeated key",
    rawGguf({ entries: [entry("k", 0, [1]), entry("k", 0, [2])] }),
    "DUPLICATE_KEY",
    '"k" appears twice',
  ],
  ["a value of an unknown type", rawGguf({ entries: [entry("k", 13, [1])] }), "HEADER", "type 13"],
  [
    "an array of arrays",
    rawGguf({ entries: [entry("k", 9, [...u32(9), ...u64(0)])] }),
    "HEADER",
    "array of arrays",
  ],
  [
    "an array beyond the file",
    rawGguf({ entries: [entry("k", 9, [...u32(12), ...u64(2n ** 61n)])] }),
    "TRUNCATED",
    "the array",
  ],
  [
    "an array of strings beyond the file",
    rawGguf({ entries: [entry("k", 9, [...u32(8), ...u64(1000)])] }),
    "TRUNCATED",
    "the array",
  ],
  ["a boolean of 2", rawGguf({ entries: [entry("k", 7, [2])] }), "HEADER", "0 or 1"],
  ["text that is not UTF-8", rawGguf({ entries: [entry("k", 8, [...u64(1), 0xff])] }), "HEADER", "UTF-8"],
  [
    "an alignment of another type",
    rawGguf({ entries: [entry("general.alignment", 10, u64(32))] }),
    "HEADER",
    "general.alignment",
  ],
  ["an alignment of 0", rawGguf({ entries: [entry("general.alignment", 4, u32(0))] }), "HEADER", "got 0"],
  ["an alignment of 4", rawGguf({ entries: [entry("general.alignment", 4, u32(4))] }), "HEADER", "got 4"],
  ["an alignment of 48", rawGguf({ entries: [entry("general.alignment", 4, u32(48))] }), "HEADER", "got 48"],
  [
    "a tensor without dimensions",
    rawGguf({ tensors: [tensor("a", [], 0, 0), u64(0)], tensorCount: 1 }),
    "SHAPE",
    "got 0",
  ],
  [
    "a tensor of 5 dimensions",
    rawGguf({ tensors: [tensor("a", [1, 1, 1, 1, 1], 0, 0)], data }),
    "SHAPE",
    "got 5",
  ],
  ["an extent of 0", rawGguf({ tensors: [tensor("a", [0, 4], 0, 0)], data }), "SHAPE", "no elements"],
  [
    "extents whose product wraps to 0",
    rawGguf({ tensors: [tensor("a", [2n ** 32n, 2n ** 32n], 0, 0)], data }),
    "SHAPE",
    "beyond any file",
  ],
  [
    "an extent of 2^64 - 1",
    rawGguf({ tensors: [tensor("a", [2n ** 64n - 1n], 0, 0)], data }),
    "SHAPE",
    "beyond any file",
  ],
  ["rows of half a block", rawGguf({ tensors: [tensor("a", [48], 8, 0)], data }), "SHAPE", "multiple of 32"],
  ["an unknown type", rawGguf({ tensors: [tensor("a", [32], 77, 0)], data }), "DTYPE", "type 77"],
  ["a removed type", rawGguf({ tensors: [tensor("a", [32], 4, 0)], data }), "DTYPE", "Q4_2"],
  [
    "a repeated tensor",
    rawGguf({ tensors: [tensor("a", [8], 0, 0), tensor("a", [8], 0, 32)], data }),
    "DUPLICATE_KEY",
    "listed twice",
  ],
  ["a tensor without a name", rawGguf({ tensors: [tensor("", [8], 0, 0)], data }), "HEADER", "empty name"],
  ["a long name", rawGguf({ tensors: [tensor("n".repeat(64), [8], 0, 0)], data }), "HEADER", "at most 63"],
  [
    "overlapping tensors",
    rawGguf({ tensors: [tensor("a", [16], 0, 0), tensor("b", [8], 0, 32)], data }),
    "OFFSETS",
    "expected 64",
  ],
  [
    "a gap",
    rawGguf({ tensors: [tensor("a", [8], 0, 0), tensor("b", [8], 0, 64)], data }),
    "OFFSETS",
    "expected 32",
  ],
  [
    "an offset of 2^64 - 32",
    rawGguf({ tensors: [tensor("a", [8], 0, -32n)], data }),
    "OFFSETS",
    "expected 0",
  ],
  [
    "a tensor beyond the file",
    rawGguf({ tensors: [tensor("a", [25], 0, 0)], data }),
    "TRUNCATED",
    "ends at byte",
  ],
])("refuses %s", async (_, file, code, words) => {
  for (const size of [file.length, undefined]) {
    const error = await refusal(async () => {
      await using opened = await openGguf(watched(file, size).source);
      for (const name of opened.tensors.keys()) await opened.read(name);
    });
    // Without a size only the cap bounds a length, and the end of the file is found by reading.
    if (size === undefined && code === "TRUNCATED") expect(["TRUNCATED", "TOO_LARGE"]).toContain(error.code);
    else expect(error).toMatchObject({ code, message: expect.stringContaining(words) as string });
  }
});
