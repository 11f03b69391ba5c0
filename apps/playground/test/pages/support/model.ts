import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { saveCheckpoint } from "@mamba/checkpoint";
import { MambaLM } from "@mamba/core";
import { createCpuKernel } from "@mamba/kernel-cpu";

/** The files of a checkpoint by name. */
export type ModelFiles = ReadonlyMap<string, Buffer>;

/**
 * A small model over ASCII. Its random weights are larger than initial weights are: its texts, also greedy ones, do not
 * repeat and depend on the state, so a lost state changes the text.
 */
export async function randomModel(): Promise<ModelFiles> {
  const folder = await mkdtemp(join(tmpdir(), "mamba-pages-"));
  const kernel = await createCpuKernel({ threads: 1 });
  try {
    const shape = { dModel: 96, nLayers: 3, vocabSize: 128 };
    const model = MambaLM.init(kernel, { ...shape, tieEmbeddings: false, initializerRange: 0.1 }, 1);
    await saveCheckpoint(model, folder);
    const names = await readdir(folder);
    return new Map(
      await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name))] as const)),
    );
  } finally {
    await kernel.dispose();
    await rm(folder, { recursive: true });
  }
}
