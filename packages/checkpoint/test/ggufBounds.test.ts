import { bytesSource } from "@mamba/core/safetensors";
import { expect, test } from "vitest";
import { chooseGguf } from "../src/gguf/choose.ts";
import { blobFiles, inspectCheckpoint, openGguf, tokenizerFromGguf, type GgufValue } from "../src/index.ts";
import { entry, rawGguf, u32, u64 } from "./support/ggufBytes.ts";
import { refusal } from "./support/folders.ts";

// Files that are consistent, and would take far more memory or time than their size.

test("more entries or tensors than any model has are refused before the first is read", async () => {
  for (const count of ["entryCount", "tensorCount"]) {
    const file = new Uint8Array(4e6);
    file.set(rawGguf({ [count]: 2 ** 16 + 1 }));
    expect(await refusal(() => openGguf(bytesSource(file)))).toMatchObject({
      code: "TOO_LARGE",
      message: expect.stringContaining("at most 65536 of each") as string,
    });
  }
});

test("a long array of booleans is refused before it is read", async () => {
  const file = new Uint8Array(2e6);
  file.set(rawGguf({ entries: [entry("a", 9, [...u32(7), ...u64(2 ** 20 + 1)])] }));
  expect((await refusal(() => openGguf(bytesSource(file)))).code).toBe("TOO_LARGE");
});

const strings = (value: readonly string[]): GgufValue => ({ type: "array", items: "string", value });
const tokenizer = (tokens: readonly string[], kind: number) =>
  tokenizerFromGguf(
    new Map<string, GgufValue>([
      ["tokenizer.ggml.model", { type: "string", value: "gpt2" }],
      ["tokenizer.ggml.pre", { type: "string", value: "gpt-2" }],
      ["tokenizer.ggml.tokens", strings(tokens)],
      ["tokenizer.ggml.token_type", { type: "array", items: "i32", value: tokens.map(() => kind) }],
    ]),
  );

test("tokens that are too long, alone or together, are refused by the field", async () => {
  const long = await refusal(() => tokenizer(["x".repeat(4097)], 1));
  expect(long).toMatchObject({
    code: "TOKENIZER",
    message: expect.stringContaining("tokens[0] must be a token of at most 4096 characters") as string,
  });
  const tokens = Array.from({ length: 1100 }, (_, i) => String.fromCharCode(0x4e00 + i) + "x".repeat(1000));
  expect(await refusal(() => tokenizer(tokens, 4))).toMatchObject({
    code: "TOKENIZER",
    message: expect.stringContaining("1048576 characters in all") as string,
  });
  expect(tokenizer(tokens.slice(0, 100), 4).tokenizer?.encode(tokens[99] ?? "")).toEqual([99]);
});

test("a name that no shard can have does not hide the other models of a place", async () => {
  const names = ["a-00000-of-00000.gguf", "b-00001-of-09999.gguf", "good.Q8_0.gguf"];
  for (const wanted of ["good.Q8_0.gguf", "q8_0"])
    expect(chooseGguf(names, wanted, "here")).toEqual(["good.Q8_0.gguf"]);
  expect(await refusal(() => chooseGguf(names, "b-00001-of-09999.gguf", "here"))).toMatchObject({
    code: "INDEX",
    message: expect.stringContaining("1 to 1000 shards, got 9999") as string,
  });
  const many = blobFiles(
    new Map(Array.from({ length: 5000 }, (_, i) => [`m${i}-00001-of-01000.gguf`, new Uint8Array(1)])),
  );
  const start = performance.now();
  expect((await refusal(() => inspectCheckpoint(many, { file: "Q4" }))).code).toBe("NOT_FOUND");
  expect(performance.now() - start).toBeLessThan(1000); // 5 million names of shards take more
});

test("a URL whose name is not UTF-8 is refused", async () => {
  expect((await refusal(() => inspectCheckpoint("http://127.0.0.1:9/%E0%A4%A.gguf"))).code).toBe("NOT_FOUND");
});
