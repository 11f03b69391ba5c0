import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { CheckpointError, type CheckpointErrorCode } from "../../src/errors.ts";

/** A new folder that is gone after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "mamba-checkpoint-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A folder with these files: strings as they are, bytes as they are, anything else as JSON. */
export async function folderWith(files: Readonly<Record<string, unknown>>): Promise<string> {
  const folder = await temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    const raw = typeof content === "string" || content instanceof Uint8Array;
    await writeFile(join(folder, name), raw ? content : JSON.stringify(content));
  }
  return folder;
}

/** The `CheckpointError` that `action` must end in. */
export async function refusal(
  action: () => unknown,
): Promise<{ code: CheckpointErrorCode; message: string }> {
  let result: unknown;
  try {
    result = await action();
  } catch (error) {
    if (!CheckpointError.is(error)) throw error;
    return { code: error.code, message: error.message };
  }
  throw new Error(`expected a CheckpointError, got ${String(result)}`);
}
