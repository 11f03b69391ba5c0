import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../../test/run.ts";

let base: string;
let env: Record<string, string>;
let tokenizer: string;
let text: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "mamba-text-"));
  env = { XDG_CACHE_HOME: join(base, "cache") };
  tokenizer = join(base, "tokenizer");
  await mkdir(tokenizer);
  await writeFile(join(tokenizer, "tokenizer.json"), JSON.stringify(letters));
  text = join(base, "text.txt");
  await writeFile(text, "abba abba\n".repeat(60));
});
afterAll(() => rm(base, { recursive: true }));

/** Byte-level BPE over a few letters: "ab" and "ba" are tokens. */
const letters = {
  version: "1.0",
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: true },
  post_processor: null,
  decoder: { type: "ByteLevel" },
  model: { type: "BPE", vocab: { a: 0, b: 1, Ġ: 2, Ċ: 3, ab: 4, ba: 5 }, merges: ["a b", "b a"] },
};
const shape = ["--steps=4", "--length=8", "--batch-size=4", "--d-model=16", "--layers=1"];

test("text goes through the tokenizer of the model, in training and evaluation", async () => {
  const out = join(base, "new");
  const args = ["train", "text", "--data", text, "--tokenizer", tokenizer, "--out", out, ...shape];
  expect(await run(args, { env })).toMatchObject({ code: 0 });
  const model = join(out, "model");
  expect((await readdir(model)).sort()).toEqual(["config.json", "model.safetensors", "tokenizer.json"]);
  expect(JSON.parse(await readFile(join(model, "config.json"), "utf8"))).toMatchObject({ vocab_size: 6 });

  const result = await run(["eval", "text", "-m", model, "--data", text, "--length=8", "--json"], { env });
  // A line is ab, ba, a blank, ab, ba and the newline.
  const targets = 8 * Math.floor((60 * 6 - 1) / 8);
  expect(JSON.parse(result.stdout)).toMatchObject({ results: [{ targets }] });
  expect(await readdir(join(base, "cache", "mamba", "tokens"))).toHaveLength(1);

  const on = join(base, "on");
  const more = ["train", "text", "--data", text, "--model", model, "--steps=2", "--length=8", "--out", on];
  expect(await run(more, { env })).toMatchObject({ code: 0 });
  expect(await readdir(join(on, "model"))).toContain("tokenizer.json");
  const both = await run([...more, "--tokenizer", tokenizer], { env });
  expect(both).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("a checkpoint has its own") as string,
  });
  const stories = await run(["train", "stories", "--model", model, "--out", join(base, "no")], { env });
  expect(stories.stderr).toContain("stories are bytes, but the model has a tokenizer [USAGE]");
});

test.each([
  [["--vocab-size=5"], "the tokenizer gives the id 5, the vocabulary ends at 4 [DATA]"],
  [["--length=400"], "the file has 360 tokens, an example of length 400 needs 401 [DATA]"],
])("%j does not fit", async (flags, message) => {
  const args = ["train", "text", "--data", text, "--tokenizer", tokenizer, "--out", join(base, "refused")];
  const { code, stderr } = await run([...args, ...flags], { env });
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(message) as string });
});

test("--tokenizer needs a tokenizer", async () => {
  const args = ["train", "text", "--data", text, "--tokenizer", base, "--out", join(base, "refused")];
  const { code, stderr } = await run(args, { env });
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: expect.stringContaining("there is no tokenizer.json in") as string,
  });
});
