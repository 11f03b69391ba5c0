import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { loadCheckpoint, saveGguf } from "../../packages/checkpoint/dist/index.js";
import { paddedVocabSize } from "../../packages/core/dist/index.js";
import { createCpuKernel } from "../../packages/kernel-cpu/dist/index.js";
import { root } from "../workspace.mjs";

// GGUF files in the shapes of published models with random weights, made when they are first used.

const folder = `${root}node_modules/.cache/mamba/models/`;

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
 * The path of a model in a type.
 *
 * @param {string} shape a preset of `mamba init`, such as "granite-4.0-h-350m"
 * @param {string} type such as "q4_0"
 */
export async function modelFile(shape, type) {
  const path = `${folder}${shape}-${type}.gguf`;
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  console.error(`making ${path}`);
  const checkpoint = `${folder}${shape}`;
  if (!existsSync(checkpoint)) {
    const args = [`${root}apps/cli/dist/main.js`, "init", shape, checkpoint, "--dtype", "bf16"];
    execFileSync(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
  }
  const kernel = await createCpuKernel();
  const { model } = await loadCheckpoint(kernel, checkpoint);
  const options = {
    type: /** @type {import("@mamba/checkpoint").GgufFileType} */ (type),
    metadata: tokenizer(paddedVocabSize(model.config)),
  };
  await saveGguf(model, path, options);
  model.dispose();
  await kernel.dispose();
  return path;
}
