import { readdir } from "node:fs/promises";
import { CliError, codeOf } from "../program/errors.ts";

/**
 * Checks that a checkpoint may be written to `folder`: it is new or empty, or holds a checkpoint and `force` is set.
 *
 * @throws CliError `EXISTS`
 */
export async function checkTarget(folder: string, force: boolean): Promise<void> {
  const found = await readdir(folder).catch((error: unknown): string[] => {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  });
  if (found.length === 0) return;
  const isCheckpoint = found.includes("config.json") || found.includes("model.safetensors");
  if (!isCheckpoint) {
    throw new CliError("EXISTS", `${folder} holds other files; give an empty or a new folder`);
  }
  if (!force) throw new CliError("EXISTS", `${folder} already holds a checkpoint; --force replaces it`);
}
