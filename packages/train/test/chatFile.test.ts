import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ChatTemplate } from "@mamba/chat";
import { afterAll, beforeAll, expect, test } from "vitest";
import { chatTokenizer, vocabSize } from "./chatTokenizer.ts";
import { ignoreIndex } from "../src/dataSource.ts";
import { chatFile, type ChatFileOptions } from "../src/node/chatFile.ts";
import { parquetOf, textParquet } from "./parquetOf.ts";

let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "mamba-chat-file-"));
});
afterAll(() => rm(base, { recursive: true }));

const tokenizer = chatTokenizer();
const template = ChatTemplate.of(tokenizer);
const turns = (question: string, answer: string) => [
  { role: "user", content: question },
  { role: "assistant", content: answer },
];
const row = (question: string, answer: string) => JSON.stringify({ messages: turns(question, answer) });

async function open(name: string, content: string | Uint8Array, options: Partial<ChatFileOptions> = {}) {
  const path = join(base, name);
  await writeFile(path, content);
  const cacheFolder = join(base, "cache");
  return chatFile(path, {
    template,
    tokenizer,
    vocabSize,
    length: 64,
    tokenizerFiles: tokenizer.files,
    cacheFolder,
    ...options,
  });
}

/** The answers of all examples. */
async function answers(source: Awaited<ReturnType<typeof open>>): Promise<string[]> {
  const texts = [];
  for (let i = 0; i < source.count; i++) {
    const { targets } = await source.example(i);
    texts.push(tokenizer.decode([...targets].filter((id) => id !== ignoreIndex)));
  }
  return texts;
}

test("lines with a byte order mark, carriage returns and blank lines", async () => {
  await using file = await open(
    "a.jsonl",
    `\ufeff${row("1", "one")}\r\n\r\n  \n${row("2", "two\u2028\ufffd")}`,
  );
  expect(await answers(file)).toEqual(["one", "two\u2028\ufffd"]);
  expect(await file.conversation(1)).toEqual({ messages: turns("2", "two\u2028\ufffd") });
  expect(file.report).toMatchObject({ conversations: 2, examples: 2, answers: 2, dropped: 0, skipped: 0 });
});

test("the tokens are read from the cache the second time, and made anew for other data, length or template", async () => {
  const cacheFolder = join(base, "own-cache");
  let tokenized = 0;
  const reading = async (content: string, options: Partial<ChatFileOptions> = {}) => {
    await using file = await open("b.jsonl", content, {
      cacheFolder,
      onProgress: () => tokenized++,
      ...options,
    });
    return file.id;
  };
  const first = await reading(row("1", "one"));
  expect(tokenized).toBe(1);
  expect(await reading(row("1", "one"))).toBe(first);
  expect(tokenized).toBe(1);
  const others = [
    await reading(row("1", "two")),
    await reading(row("1", "one"), { length: 63 }),
    await reading(row("1", "one"), {
      template: ChatTemplate.of(tokenizer, { template: `${template.source}{# #}` }),
    }),
    await reading(row("1", "one"), { variables: { a: 1 } }),
  ];
  expect(new Set([first, ...others]).size).toBe(5);
  expect(await readdir(cacheFolder)).toHaveLength(5);
});

test("conversations are held out whole, by the seed", async () => {
  const long = (i: number) => JSON.stringify({ messages: [...turns(`${i}`, "a"), ...turns("?", "b")] });
  await using file = await open("c.jsonl", Array.from({ length: 20 }, (_, i) => long(i)).join("\n"));
  const { train, heldOut } = file.split(0.2, 3);
  expect([train.count, heldOut.count]).toEqual([16, 4]);
  const questions = async (source: typeof train) => {
    const found = [];
    for (let i = 0; i < source.count; i++) found.push((await source.conversation(i)).messages[0]!.content);
    return found;
  };
  const all = [...(await questions(train)), ...(await questions(heldOut))];
  expect(new Set(all).size).toBe(20);
  expect(await questions(file.split(0.2, 4).heldOut)).not.toEqual(await questions(heldOut));
  expect(await questions(file.split(0.4, 3).heldOut)).toEqual(
    expect.arrayContaining(await questions(heldOut)),
  );
  expect(() => file.split(1)).toThrow("heldOut must be");
  await using one = await open("one.jsonl", row("1", "one"));
  expect(() => one.split(0.5)).toThrow("at least 2 conversations");
});

test.each([
  ["damaged", `${row("1", "one")}\n{"messages": [`, "line 2: expected a string|line 2: unexpected"],
  ["repeated key", '{"messages": [], "messages": []}', 'line 1: the key "messages" appears twice'],
  ["not UTF-8", Buffer.from([0x7b, 0xff, 0x7d]), "line 1: not UTF-8"],
  [
    "nothing to learn",
    '{"messages": [{"role": "user", "content": "1"}]}',
    "line 1: there is nothing to learn",
  ],
  ["array", `[${row("1", "one")}]`, "got one JSON array"],
  ["gzip", Buffer.from([0x1f, 0x8b, 8, 0]), "got a gzip file"],
  ["empty", "", "the file has no conversations"],
  ["too long", row("1", "o".repeat(99)), "no answer fits 64 positions"],
  ["not there", row("1", "one"), "ends at 99", { vocabSize: 100 }],
] as const)(
  "refuses a file that is %s",
  async (name, content, message, options: Partial<ChatFileOptions> = {}) => {
    await expect(open(`${name}.jsonl`, content, options)).rejects.toThrow(
      expect.objectContaining({ code: "DATA", message: expect.stringMatching(message) as string }),
    );
  },
);

test("damaged conversations are left out and counted where that is asked for", async () => {
  const content = ["{", row("1", "one"), '{"messages": []}', row("2", "o".repeat(99))].join("\n");
  await using file = await open("d.jsonl", content, { skipDamaged: true });
  expect(await answers(file)).toEqual(["one"]);
  expect(file.report).toMatchObject({
    ...{ conversations: 1, skipped: 2, tooLong: 1, dropped: 1 },
    firstSkipped: expect.stringMatching(/d\.jsonl: line 1: /) as string,
  });
});

test("Parquet: lists of structs in several groups of rows, and texts of JSON", async () => {
  const rows = [turns("1", "one"), turns("2", "two"), turns("3", "three")];
  await using lists = await open("a.parquet", parquetOf(rows, { rowGroupSize: 2 }));
  expect(await answers(lists)).toEqual(["one", "two", "three"]);
  await using plain = await open("plain.parquet", parquetOf(rows, { codec: "UNCOMPRESSED" }));
  expect(await answers(plain)).toEqual(["one", "two", "three"]);
  const tools = [JSON.stringify([{ name: "get" }]), null];
  const texts = textParquet({
    id: ["a", "b"],
    messages: rows.slice(0, 2).map((messages) => JSON.stringify(messages)),
    tools,
  });
  await using strings = await open("texts.parquet", texts, { length: 256 });
  expect(await answers(strings)).toEqual(["one", "two"]);
  expect((await strings.conversation(0)).tools).toEqual([{ name: "get" }]);
  expect((await strings.conversation(1)).tools).toBeUndefined();
});

test("Parquet that is damaged or lacks the column is refused", async () => {
  const file = parquetOf([turns("1", "one")]);
  await expect(open("other.parquet", textParquet({ text: ["a"] }))).rejects.toThrow(
    /expected a column messages, got text/,
  );
  await expect(open("cut.parquet", file.subarray(0, -9))).rejects.toThrow(
    expect.objectContaining({ code: "DATA" }),
  );
  const bad = parquetOf([turns("1", "one"), [{ role: "user", content: null }]]);
  await expect(open("bad.parquet", bad)).rejects.toThrow(
    /bad\.parquet: row 2: message 1: content must be a text, got none/,
  );
});
