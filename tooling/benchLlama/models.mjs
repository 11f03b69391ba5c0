import { existsSync, mkdirSync } from "node:fs";
import { saveGguf } from "../../packages/checkpoint/dist/index.js";
import { MambaLM, paddedVocabSize } from "../../packages/core/dist/index.js";
import { createCpuKernel } from "../../packages/kernel-cpu/dist/index.js";
import { root } from "../workspace.mjs";

// GGUF files in the shape of mamba-130m with random weights, made when they are first used.

const folder = `${root}node_modules/.cache/mamba/models/`;
const config = { dModel: 768, nLayers: 24, vocabSize: 50277, padVocabSizeMultiple: 8 };

/** The characters by which byte-level BPE writes the bytes: those that can be printed are themselves. */
function byteCharacters() {
  let others = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const isPrinted = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    return String.fromCharCode(isPrinted ? byte : others++);
  });
}

/**
 * A list of tokens as long as the model's: llama.cpp needs one. Text becomes its bytes.
 *
 * @param {number} rows
 */
function tokenizer(rows) {
  const tokens = [...byteCharacters(), ...Array.from({ length: rows - 256 }, (_, i) => `token${i}`)];
  const last = { type: /** @type {const} */ ("u32"), value: rows - 1 };
  /** @type {[string, import("@mamba/checkpoint").GgufValue][]} */
  const entries = [
    ["tokenizer.ggml.model", { type: "string", value: "gpt2" }],
    ["tokenizer.ggml.pre", { type: "string", value: "olmo" }],
    ["tokenizer.ggml.tokens", { type: "array", items: "string", value: tokens }],
    [
      "tokenizer.ggml.token_type",
      { type: "array", items: "i32", value: tokens.map((_, i) => (i === rows - 1 ? 3 : 1)) },
    ],
    ["tokenizer.ggml.merges", { type: "array", items: "string", value: [] }],
    ["tokenizer.ggml.bos_token_id", last],
    ["tokenizer.ggml.eos_token_id", last],
  ];
  return new Map(entries);
}

/**
 * The path of the model in a type.
 *
 * @param {string} type such as "q4_0"
 */
export async function modelFile(type) {
  const path = `${folder}mamba-130m-${type}.gguf`;
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  console.error(`making ${path}`);
  const kernel = await createCpuKernel();
  const model = MambaLM.init(kernel, config);
  const options = {
    type: /** @type {import("@mamba/checkpoint").GgufFileType} */ (type),
    metadata: tokenizer(paddedVocabSize(model.config)),
  };
  // The built packages have types of their own beside those of the sources.
  await saveGguf(/** @type {any} */ (model), path, options);
  model.dispose();
  await kernel.dispose();
  return path;
}
