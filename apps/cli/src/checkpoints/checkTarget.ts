import { readdir, stat } from "node:fs/promises";
import { CliError, codeOf } from "../program/errors.ts";

/**
 * Checks that a checkpoint may be written to `folder`: it is new or empty, or holds a checkpoint and `force` is set.
 * Temporary files do not count: those of killed processes are deleted first.
 *
 * @throws CliError `EXISTS`
 */
export async function checkTarget(folder: string, force: boolean): Promise<void> {
  const { isTemporary, sweepTemporary } = await import("@mamba/files"); // loaded only when a checkpoint is written
  const list = await sweepTemporary(folder)
    .then(() => readdir(folder))
    .catch((error: unknown): string[] => {
      if (codeOf(error) === "ENOENT") return [];
      throw error;
    });
  const found = list.filter((name) => !isTemporary(name));
  if (found.length === 0) return;
  const isCheckpoint = found.includes("config.json") || found.includes("model.safetensors");
  if (!isCheckpoint) {
    throw new CliError("EXISTS", `${folder} holds other files; give an empty or a new folder`);
  }
  if (!force) throw new CliError("EXISTS", `${folder} already holds a checkpoint; --force replaces it`);
}

/**
 * Checks that a file may be written to `path`: there is none, or `force` is set.
 *
 * @throws CliError `EXISTS`
 */
export async function checkTargetFile(path: string, force: boolean): Promise<void> {
  const found = await stat(path).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  });
  if (found?.isDirectory()) throw new CliError("EXISTS", `${path} is a folder; give the name of a new file`);
  if (found && !force) throw new CliError("EXISTS", `${path} already exists; --force replaces it`);
}
