import { join } from "node:path";
import { MambaLM, type MambaLMConfigInput } from "@mamba/core";
import { describe, expect, test } from "vitest";
import {
  ggufChunks,
  ggufContent,
  type GgufValue,
  inspectCheckpoint,
  loadCheckpoint,
  openGguf,
  writeGguf,
} from "../src/index.ts";
import { bytesSource } from "@mamba/core/safetensors";
import { refusal, temporaryFolder } from "./support/folders.ts";
import { f32 } from "./support/ggufBytes.ts";
import { hostKernel } from "./support/hostKernel.ts";
import { odd, bytesOf, text } from "./support/ggufModelFiles.ts";

describe("metadata and tensors that do not agree", () => {
  /** A model of one layer, with changes to its metadata. */
  const withMetadata = async (
    changes: Record<string, GgufValue | undefined>,
    input: MambaLMConfigInput = { ...odd, nLayers: 1 },
  ) => {
    const kernel = hostKernel();
    using model = MambaLM.init(kernel, input, 7);
    const { content } = ggufContent(model);
    const metadata = new Map(content.metadata);
    for (const [key, value] of Object.entries(changes)) {
      if (value === undefined) metadata.delete(key);
      else metadata.set(key, value);
    }
    const chunks: BlobPart[] = [];
    for await (const chunk of ggufChunks({ ...content, metadata })) chunks.push(chunk.slice());
    return new Blob(chunks);
  };
  const u = (value: number): GgufValue => ({ type: "u32", value });

  test.each<[string, Record<string, GgufValue | undefined>, string, string]>([
    ["no architecture", { "general.architecture": undefined }, "CONFIG", "general.architecture"],
    ["another architecture", { "general.architecture": text("llama") }, "UNSUPPORTED_MODEL", '"llama"'],
    ["an unknown hybrid", { "general.architecture": text("plamo2") }, "UNSUPPORTED_MODEL", "granitehybrid"],
    [
      "no sizes of another architecture",
      { "general.architecture": text("falcon-h1") },
      "CONFIG",
      "falcon-h1.",
    ],
    [
      "a key of the prototype",
      { "general.architecture": text("__proto__") },
      "UNSUPPORTED_MODEL",
      "__proto__",
    ],
    ["no width", { "mamba.embedding_length": undefined }, "CONFIG", "mamba.embedding_length"],
    ["a width of another type", { "mamba.embedding_length": text("16") }, "CONFIG", "string"],
    ["a negative width", { "mamba.embedding_length": { type: "i32", value: -16 } }, "CONFIG", "-16"],
    ["another width", { "mamba.embedding_length": u(32) }, "TENSOR_SHAPE", "token_embd.weight"],
    [
      "a width of 2^64 - 1",
      { "mamba.embedding_length": { type: "u64", value: 2n ** 64n - 1n } },
      "CONFIG",
      "18446744073709551615",
    ],
    ["a layer too many", { "mamba.block_count": u(2) }, "MISSING_TENSOR", "blk.1"],
    ["2^32 - 1 layers", { "mamba.block_count": u(2 ** 32 - 1) }, "CONFIG", "block_count"],
    ["no layer", { "mamba.block_count": u(0) }, "CONFIG", "block_count"],
    ["another inner size", { "mamba.ssm.inner_size": u(32) }, "TENSOR_SHAPE", "ssm_"],
    ["another state size", { "mamba.ssm.state_size": u(8) }, "TENSOR_SHAPE", "ssm_"],
    ["another convolution", { "mamba.ssm.conv_kernel": u(4) }, "TENSOR_SHAPE", "conv1d"],
    ["another rank", { "mamba.ssm.time_step_rank": u(3) }, "TENSOR_SHAPE", "ssm_"],
    ["groups", { "mamba.ssm.group_count": u(2) }, "CONFIG", "group_count"],
    [
      "an epsilon of NaN",
      { "mamba.attention.layer_norm_rms_epsilon": { type: "f32", value: NaN } },
      "CONFIG",
      "NaN",
    ],
    ["a vocabulary of another size", { "mamba.vocab_size": u(299) }, "CONFIG", "304 rows"],
    [
      "more tokens than rows",
      {
        "tokenizer.ggml.tokens": {
          type: "array",
          items: "string",
          value: new Array(305).fill("a") as string[],
        },
      },
      "CONFIG",
      "305 tokens",
    ],
  ])("%s", async (_, changes, code, words) => {
    const blob = await withMetadata(changes);
    const error = await refusal(() => inspectCheckpoint(blob));
    expect(error).toMatchObject({ code, message: expect.stringContaining(words) as string });
  });

  test("a tensor without a place, and a type that models cannot use, are refused", async () => {
    const kernel = hostKernel();
    using model = MambaLM.init(kernel, { ...odd, nLayers: 1 }, 7);
    const { content } = ggufContent(model);
    const path = join(await temporaryFolder(), "m.gguf");
    const extra = {
      name: "blk.0.attn_q.weight",
      dtype: "F32",
      shape: [2, 2],
      chunks: () => [new Uint8Array(16)],
    } as const;
    await writeGguf(path, { ...content, tensors: [...content.tensors, extra] });
    expect(await refusal(() => inspectCheckpoint(path))).toMatchObject({ code: "EXTRA_TENSOR" });
    const other = {
      name: "token_embd.weight",
      dtype: "F64",
      shape: [304, 16],
      chunks: () => [new Uint8Array(304 * 16 * 8)],
    } as const;
    await writeGguf(path, { ...content, tensors: [other, ...content.tensors.slice(1)] });
    expect(await refusal(() => inspectCheckpoint(path))).toMatchObject({
      code: "DTYPE",
      message: expect.stringContaining("F64") as string,
    });
  });

  test("ssm_a from 0 on is refused", async () => {
    const kernel = hostKernel();
    using model = MambaLM.init(kernel, { ...odd, nLayers: 1 }, 7);
    const bytes = await bytesOf(model);
    await using file = await openGguf(bytesSource(bytes));
    const at = file.tensors.get("blk.0.ssm_a")?.byteOffset ?? 0;
    for (const value of [0, 0.5, -Infinity, NaN]) {
      bytes.set(f32(value), at + 4 * 5);
      const error = await refusal(() => loadCheckpoint(kernel, new Blob([bytes])));
      expect(error).toMatchObject({
        code: "NON_FINITE",
        message: expect.stringContaining(`element 5 is ${value}`) as string,
      });
    }
  });

  test("tokens [PADi] at the end are no ids of the vocabulary", async () => {
    const pads = Array.from({ length: 304 }, (_, i) => (i < 290 ? `t${i}` : `[PAD${i}]`));
    const blob = await withMetadata({
      "tokenizer.ggml.tokens": { type: "array", items: "string", value: pads },
      "mamba_ts.vocab_size": undefined,
    });
    const { config } = await inspectCheckpoint(blob);
    expect(config).toMatchObject({ vocabSize: 290 });
    expect(Math.ceil(config.vocabSize / config.padVocabSizeMultiple) * config.padVocabSizeMultiple).toBe(304);
  });

  test("models that GGUF cannot describe are not written", async () => {
    const kernel = hostKernel();
    for (const change of [
      { innerNorms: "weighted" },
      { selective: false },
      { bias: true },
      { mupBaseWidth: 8, tieEmbeddings: false },
    ] as const) {
      using model = MambaLM.init(kernel, { ...odd, ...change }, 7);
      expect(await refusal(() => ggufContent(model))).toMatchObject({ code: "UNSUPPORTED_MODEL" });
    }
  });
});
