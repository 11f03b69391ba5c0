import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ChatTemplate } from "@mamba/chat";
import { encode } from "fast-png";
import fc from "fast-check";
import jpeg from "jpeg-js";
import { expect, onTestFinished, test } from "vitest";
import { chatTokenizer, vocabSize } from "./chatTokenizer.ts";
import { decodeImage, parseCsv, parseIdx, parseNpy } from "../src/data.ts";
import { TrainError } from "../src/index.ts";
import { chatFile } from "../src/node/chatFile.ts";
import { parquetOf } from "./parquetOf.ts";

// Files that are cut, changed, or any bytes: the result is data or a TrainError DATA, soon, and without much memory.

const long = process.env["MAMBA_FUZZ_SEED"];
const parameters = long === undefined ? { seed: 1, numRuns: 300 } : { seed: Number(long), numRuns: 20_000 };

/** A file with some bytes replaced and its end gone, or any bytes. */
const damaged = (...files: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }) },
    {
      weight: 9,
      arbitrary: fc
        .tuple(
          fc.constantFrom(...files),
          fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
          fc.nat(),
        )
        .map(([file, changes, cut]) => {
          const copy = file.slice(0, cut % 3 === 0 ? cut % (file.length + 1) : file.length);
          for (const [at, byte] of changes) copy[at % Math.max(1, copy.length)] = byte;
          return copy;
        }),
    },
  );

async function holds(read: () => unknown, limitMs = 2000): Promise<void> {
  const before = process.memoryUsage().arrayBuffers;
  const start = performance.now();
  try {
    await read();
  } catch (error) {
    expect(error).toBeInstanceOf(TrainError);
    expect(error).toMatchObject({ code: "DATA" });
  }
  expect(performance.now() - start).toBeLessThan(limitMs);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 27);
}

const text = (value: string) => new TextEncoder().encode(value);
const npyHeader = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }\n";
const npy = Uint8Array.from([
  0x93,
  ...text("NUMPY"),
  1,
  0,
  npyHeader.length,
  0,
  ...text(npyHeader),
  ...new Uint8Array(24),
]);
const idx = Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6);
const samples = Uint8Array.from({ length: 9 * 7 * 4 }, (_, i) => (i * i) % 251);
const size = { width: 9, height: 7 };
const pngs = [
  encode({ ...size, channels: 4, data: samples }),
  encode({ ...size, channels: 1, depth: 16, data: Uint16Array.from(samples.subarray(0, 63)) }),
];
const jpegs = [new Uint8Array(jpeg.encode({ ...size, data: Buffer.from(samples) }, 80).data)];

test.each([
  ["npy", parseNpy, [npy]],
  ["idx", parseIdx, [idx]],
  ["png", decodeImage, pngs],
  ["jpeg", decodeImage, jpegs],
] as const)("%s", async (name, read, files) => {
  await fc.assert(
    fc.asyncProperty(damaged(...files), (bytes) => holds(() => read(bytes, `a.${name}`))),
    parameters,
  );
});

test("csv", async () => {
  const parts = fc.constantFrom(
    "a",
    "b",
    ",",
    ";",
    "\t",
    "\n",
    "\r\n",
    '"',
    "1",
    "-2.5",
    "NaN",
    "\ufeff",
    " ",
    "\0",
    "é",
    "1e400",
  );
  await fc.assert(
    fc.asyncProperty(fc.array(parts, { maxLength: 30 }), (all) =>
      holds(() => {
        const table = parseCsv(all.join(""), "a.csv");
        for (const column of table.columns) {
          expect(table.text(column)).toHaveLength(table.rows);
          try {
            table.numbers(column, "ignore");
          } catch (error) {
            expect(error).toMatchObject({ code: "DATA" });
          }
        }
      }),
    ),
    parameters,
  );
});

const messages = [
  { role: "user", content: "What?" },
  { role: "assistant", content: "This." },
];
const lines = text(`${JSON.stringify({ messages })}\n`.repeat(3));
const parquets = [
  parquetOf(Array.from({ length: 40 }, () => messages)),
  parquetOf([messages, messages], { codec: "UNCOMPRESSED", rowGroupSize: 1 }),
];

test.each([
  // Each run writes files, and Parquet takes a process of its own.
  ["jsonl", [lines], { ...parameters, numRuns: Math.ceil(parameters.numRuns / 10) }],
  ["parquet", parquets, { ...parameters, numRuns: Math.ceil(parameters.numRuns / 60) }],
] as const)("conversations in %s", async (name, files, some) => {
  const folder = await mkdtemp(join(tmpdir(), "mamba-fuzz-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const tokenizer = chatTokenizer();
  const options = { tokenizer, vocabSize, tokenizerFiles: tokenizer.files, cacheFolder: folder, length: 64 };
  const path = join(folder, `a.${name}`);
  await fc.assert(
    fc.asyncProperty(damaged(...files), (bytes) =>
      holds(async () => {
        await writeFile(path, bytes);
        await using file = await chatFile(path, { ...options, template: ChatTemplate.of(tokenizer) });
        for (let i = 0; i < file.count; i++) expect((await file.example(i)).ids.length).toBeGreaterThan(0);
      }, 15_000),
    ),
    some,
  );
});
