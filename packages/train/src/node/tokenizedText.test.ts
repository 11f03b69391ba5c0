import { appendFileSync } from "node:fs";
import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Tokenizer, uniformAt } from "@mamba/core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { openDataFile } from "./dataFile.ts";
import { tokenChunks } from "./tokenChunks.ts";
import { tokenizedText } from "./tokenizedText.ts";

let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "mamba-tokens-"));
});
afterAll(() => rm(base, { recursive: true }));

/** Splits text into words as GPT-2 does; each word has an id of its own. */
class Words implements Tokenizer {
  readonly stopIds = [];
  readonly #ids = new Map<string, number>();
  /** Length of the longest text that was encoded. */
  longest = 0;
  encode(text: string): number[] {
    this.longest = Math.max(this.longest, text.length);
    return (text.match(/ ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu) ?? []).map((word) => {
      const id = this.#ids.get(word) ?? this.#ids.size;
      this.#ids.set(word, id);
      return id;
    });
  }
  decode = () => "";
}

const file = async (name: string, content: string | Uint8Array) => {
  await writeFile(join(base, name), content);
  return join(base, name);
};

/** Lines with spaces at their beginnings and ends, blank lines, and characters of several bytes. */
function awkward(characters: number): string {
  const parts = ["word", " ", "\n", " \n", "\n\n", "  ", "naïve", "12", "日本", "😀", ". ", "\n  "];
  let text = "";
  for (let i = 0; text.length < characters; i++) text += parts[Math.floor(uniformAt(3, i) * parts.length)]!;
  return text;
}

async function chunks(path: string, tokenizer: Tokenizer): Promise<number[][]> {
  const data = await openDataFile(path);
  try {
    const all = [];
    for await (const ids of tokenChunks(data, tokenizer)) all.push(ids);
    return all;
  } finally {
    await data.close();
  }
}

test("the tokens are those of the whole text, which is never in memory as a whole", async () => {
  const text = awkward(300_000);
  const tokenizer = new Words();
  const found = await chunks(await file("awkward.txt", text), tokenizer);
  expect(found.length).toBeGreaterThan(2);
  expect(tokenizer.longest).toBeLessThan(100_000);
  expect(found.flat()).toEqual(tokenizer.encode(text));
  // The test can fail: cut after every newline, the same text has other tokens.
  const lines = text.split(/(?<=\n)/).flatMap((line) => tokenizer.encode(line));
  expect(lines).not.toEqual(tokenizer.encode(text));
});

test.each([
  ["a text without a place to cut", "x ".repeat(600_000), new Words()],
  [
    "a tokenizer that begins every text with a token",
    "line\n".repeat(220_000),
    { stopIds: [], encode: (text: string) => [1, ...Buffer.from(text)], decode: (): string => "" },
  ],
])("%s is refused", async (_, text, tokenizer) => {
  const path = await file("whole.txt", text);
  await expect(chunks(path, tokenizer)).rejects.toMatchObject({
    code: "DATA",
    message: expect.stringContaining("without changing its tokens") as string,
  });
});

test.each([
  ["in the middle", [97, 0xff, 97]],
  ["at the end", [97, 0xe6, 0x97]],
])("text that is not UTF-8 %s is refused", async (_, bytes) => {
  const path = await file("latin.txt", Uint8Array.from(bytes));
  await expect(chunks(path, new Words())).rejects.toMatchObject({ code: "DATA" });
});

let cacheFolder: string;
beforeEach(async () => {
  cacheFolder = join(await mkdtemp(join(base, "cache-")), "tokens");
});
const options = () => ({
  length: 4,
  tokenizer: new Words(),
  tokenizerFiles: new Map([["tokenizer.json", Uint8Array.of(1)]]),
  vocabSize: 10,
  cacheFolder,
});

test("examples are chunks of the tokens, which are cached", async () => {
  const path = await file("small.txt", "a b c d a b c d a b\n");
  const done: number[] = [];
  {
    await using source = await tokenizedText(path, { ...options(), onProgress: (bytes) => done.push(bytes) });
    // ids 0 to 4 are "a", " b", " c", " d" and " a"; then " b" again and so on; 5 is the newline
    expect(source).toMatchObject({ vocabSize: 10, count: 2 });
    expect(await source.example(0)).toEqual({
      ids: Int32Array.of(0, 1, 2, 3),
      targets: Int32Array.of(1, 2, 3, 4),
    });
    expect(await source.example(1)).toEqual({
      ids: Int32Array.of(4, 1, 2, 3),
      targets: Int32Array.of(1, 2, 3, 4),
    });
    expect(done).toEqual([20]);
  }
  const [name] = await readdir(cacheFolder);
  const { mtimeMs } = await stat(join(cacheFolder, name!));
  const id = async (changed: object = {}) => {
    await using source = await tokenizedText(path, { ...options(), ...changed });
    return source.id;
  };
  const first = await id();
  expect(await id()).toBe(first);
  expect((await stat(join(cacheFolder, name!))).mtimeMs).toBe(mtimeMs);
  // Another tokenizer or another text has another token file.
  expect(await id({ tokenizerFiles: new Map([["tokenizer.json", Uint8Array.of(2)]]) })).not.toBe(first);
  await appendFile(path, "a b");
  expect(await id()).not.toBe(first);
  expect(await readdir(cacheFolder)).toHaveLength(3);
});

test.each([
  [{ vocabSize: 4 }, "DATA", "the tokenizer gives the id 5, the vocabulary ends at 3"],
  [{ length: 12 }, "DATA", "the file has 11 tokens, an example of length 12 needs 13"],
  [{ length: 0 }, "CONFIG", "length must be a whole number"],
])("%j is refused", async (changed, code, message) => {
  const path = await file("refused.txt", "a b c d a b c d a b\n");
  const opened = tokenizedText(path, { ...options(), ...changed });
  await expect(opened).rejects.toMatchObject({ code, message: expect.stringContaining(message) as string });
});

test("an empty text is refused", async () => {
  const opened = tokenizedText(await file("empty.txt", ""), options());
  await expect(opened).rejects.toThrow("the file is empty");
});

test("damaged tokens are noticed", async () => {
  const path = await file("kept.txt", "a b c d a b c d a b\n");
  await (await tokenizedText(path, options())).close();
  const [name] = await readdir(cacheFolder);
  const cached = join(cacheFolder, name!);
  const bytes = await readFile(cached);
  await writeFile(cached, bytes.subarray(4));
  await expect(tokenizedText(path, options())).rejects.toThrow("not a complete token file");
  await writeFile(cached, "abc");
  await expect(tokenizedText(path, options())).rejects.toThrow("not a complete token file");
  bytes.writeUInt32LE(9, 4);
  await writeFile(cached, bytes);
  await using source = await tokenizedText(path, options());
  await expect(source.example(0)).rejects.toThrow("not a complete token file");
});

test("a text that changes while it is tokenized is refused; an abort leaves no file", async () => {
  const path = await file("changing.txt", "one two\n".repeat(40_000));
  const controller = new AbortController();
  const stopped = tokenizedText(path, {
    ...options(),
    vocabSize: 100,
    signal: controller.signal,
    onProgress: () => controller.abort(new Error("enough")),
  });
  await expect(stopped).rejects.toThrow("enough");
  expect(await readdir(cacheFolder)).toEqual([]);
  let isChanged = false;
  const changed = tokenizedText(path, {
    ...options(),
    vocabSize: 100,
    onProgress: () => {
      if (!isChanged) appendFileSync(path, "three\n");
      isChanged = true;
    },
  });
  await expect(changed).rejects.toThrow("the file changes while it is read");
  expect(await readdir(cacheFolder)).toEqual([]);
});
