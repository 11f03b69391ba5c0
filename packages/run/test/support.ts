import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { saveCheckpoint } from "@mamba/checkpoint";
import { createCpuKernel } from "@mamba/kernel-cpu";
import { type ChatModelKind, chatModel } from "../../chat/test/support.ts";

/** A folder with a tiny chat model of random weights; null: without a template. The caller removes it. */
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

/** All values of a stream. */
export async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const values: T[] = [];
  for await (const value of stream) values.push(value);
  return values;
}
