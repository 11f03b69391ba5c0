import { MambaLM } from "@mamba/core";
import { expect, test } from "vitest";
import { loadCheckpoint, parseTokenizer, saveCheckpoint } from "../src/index.ts";
import { folderWith, refusal, temporaryFolder } from "./support/folders.ts";
import { hostKernel } from "./support/hostKernel.ts";
import { tinyFiles, tinyInput } from "./support/models.ts";
import { tinyTokenizer } from "./support/tokenizers.ts";

const { vocab, merges } = tinyTokenizer["tokenizer.json"].model;
const config = tinyTokenizer["tokenizer_config.json"];
const files = {
  "vocab.json": vocab,
  "merges.txt": `#version: 0.2\n${merges.join("\n")}\n`,
  "tokenizer_config.json": config,
};
const load = async (more: Record<string, unknown>) =>
  loadCheckpoint(hostKernel(), await folderWith({ ...(await tinyFiles()), ...more }));

test("vocab.json with merges.txt gives the ids of the tokenizer.json, and is saved again", async () => {
  const json = new TextEncoder().encode(JSON.stringify(tinyTokenizer["tokenizer.json"]));
  const expected = parseTokenizer(new Map([["tokenizer.json", json]]));
  const { tokenizer, model } = await load(files);
  expect(tokenizer?.kind).toBe("vocab.json");
  for (const text of ["hello w", "a  b\n\n c's 12 é漢😀", "<|endoftext|>x"]) {
    expect(tokenizer?.encode(text)).toEqual(expected.encode(text));
    expect(tokenizer?.encode(text, { specialTokens: true })).toEqual(
      expected.encode(text, { specialTokens: true }),
    );
    expect(tokenizer?.decode(expected.encode(text))).toBe(text);
  }
  expect(tokenizer).toMatchObject({ stopIds: [0], namedTokens: { eos: { text: "<|endoftext|>", id: 0 } } });
  const target = await temporaryFolder();
  await saveCheckpoint(model, target, { tokenizer });
  const again = await loadCheckpoint(hostKernel(), target);
  expect(again.tokenizer?.encode("hello w")).toEqual([260, 261]);
});

test.each([
  [
    "another class",
    { ...files, "tokenizer_config.json": { tokenizer_class: "LlamaTokenizer" } },
    "LlamaTokenizer",
  ],
  ["a vocabulary of words", { ...files, "vocab.json": { a: 0 } }, "lacks the byte"],
  ["merges of tokens that are missing", { ...files, "merges.txt": "h q\n" }, "model.merges[0]"],
])("%s is refused", async (_, some, words) => {
  const error = await refusal(() => load(some));
  expect(error).toMatchObject({ code: "TOKENIZER", message: expect.stringContaining(words) as string });
});

test.each([
  ["nothing", {}, "nor vocab.json with merges.txt"],
  ["vocab.json alone", { "vocab.json": vocab }, "nor vocab.json with merges.txt"],
  [
    "a SentencePiece model",
    { "tokenizer.model": "x" },
    "a SentencePiece model, tokenizer.model, which cannot be read",
  ],
])("with %s there is no tokenizer, and the reason names the file to get", async (_, some, words) => {
  const { tokenizer, noTokenizer } = await load(some);
  expect(tokenizer).toBeUndefined();
  expect(noTokenizer).toContain(words);
  expect(noTokenizer).toContain("put the tokenizer.json of the model's tokenizer beside the weights");
});

test("end tokens are kept without a tokenizer", async () => {
  const kernel = hostKernel();
  const folder = await temporaryFolder();
  using model = MambaLM.init(kernel, tinyInput);
  await saveCheckpoint(model, folder, { stopIds: [7] });
  const { tokenizer, stopIds } = await loadCheckpoint(kernel, folder);
  expect({ tokenizer, stopIds }).toEqual({ tokenizer: undefined, stopIds: [7] });
});
