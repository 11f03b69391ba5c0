import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { saveCheckpoint, saveGguf } from "@mamba/checkpoint";
import { byteTokenizer, type LMConfigInput, MambaLM, type Tokenizer } from "@mamba/core";
import { createCpuKernel } from "@mamba/kernel-cpu";
// The tokenizer of the tests of @mamba/chat.
// eslint-disable-next-line no-restricted-imports
import { chatTokenizerFiles, vocabSize } from "../../../../../packages/chat/test/support.ts";

/** The files of a checkpoint by name. */
export type ModelFiles = ReadonlyMap<string, Buffer>;

/**
 * A small model over ASCII. Its random weights are larger than initial weights are: its texts, also greedy ones, do not
 * repeat and depend on the state, so a lost state changes the text.
 */
export function randomModel(): Promise<ModelFiles> {
  const shape = { dModel: 96, nLayers: 3, vocabSize: 128, tieEmbeddings: false, initializerRange: 0.1 };
  return saved(shape, byteTokenizer(shape.vocabSize));
}

/** A small model with a chat template. Its answers are random bytes. */
export async function chattyModel(): Promise<ModelFiles> {
  const shape = { dModel: 64, nLayers: 2, vocabSize, tieEmbeddings: false, initializerRange: 0.1 };
  const files = [...chatTokenizerFiles()].map(([name, bytes]) => [name, Buffer.from(bytes)] as const);
  return new Map([...(await saved(shape)), ...files]);
}

/** A GGUF file of some megabytes. */
export async function largerModel(): Promise<ModelFiles> {
  const shape = { dModel: 256, nLayers: 7, vocabSize: 256, tieEmbeddings: false };
  const save = (model: MambaLM, folder: string) =>
    saveGguf(model, join(folder, "larger.gguf"), { tokenizer: byteTokenizer(shape.vocabSize) });
  return filesOf(shape, save);
}

async function saved(shape: LMConfigInput, tokenizer?: Tokenizer): Promise<ModelFiles> {
  return filesOf(shape, (model, folder) => saveCheckpoint(model, folder, { tokenizer }));
}

async function filesOf(
  shape: LMConfigInput,
  save: (model: MambaLM, folder: string) => Promise<unknown>,
): Promise<ModelFiles> {
  const folder = await mkdtemp(join(tmpdir(), "mamba-pages-"));
  const kernel = await createCpuKernel({ threads: 1 });
  try {
    await save(MambaLM.init(kernel, shape, 1), folder);
    const names = await readdir(folder);
    return new Map(
      await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name))] as const)),
    );
  } finally {
    await kernel.dispose();
    await rm(folder, { recursive: true });
  }
}
