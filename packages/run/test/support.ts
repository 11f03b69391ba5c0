import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { saveCheckpoint } from "@mamba/checkpoint";
import { createCpuKernel } from "@mamba/kernel-cpu";
// eslint-disable-next-line no-restricted-imports -- the tiny chat models are no part of a package
import { type ChatModelKind, chatModel } from "../../chat/test/support.ts";

/** A folder with a tiny chat model of random weights; template null: without one. The caller removes it. */
export async function chatFolder(
  options: { kind?: ChatModelKind; template?: string | null } = {},
): Promise<{ readonly folder: string } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), "mamba-run-"));
  await using kernel = await createCpuKernel({ threads: 1 });
  const { model, tokenizer } = chatModel(kernel, options);
  await saveCheckpoint(model, folder, { tokenizer });
  model.dispose();
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

/** The files of a folder in memory, by their names. */
export async function filesIn(folder: string): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const names = await readdir(folder);
  const read = async (name: string) => [name, Uint8Array.from(await readFile(join(folder, name)))] as const;
  return new Map(await Promise.all(names.map(read)));
}

/** All values of a stream. */
export async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const values: T[] = [];
  for await (const value of stream) values.push(value);
  return values;
}
