import { constants } from "node:fs";
import { access, readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { codeOf, usage } from "./errors.ts";
import { fileProblem, fileProblems } from "./fileErrors.ts";

// Files that an option names. A mistake is reported before long work begins, with the option's name.

/**
 * Reads a file that an option names.
 *
 * @throws CliError `USAGE` when it cannot be read
 */
export async function readInputFile(option: string, path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw explained(error, `${option}: ${path}`);
  }
}

/**
 * Checks that a file can be written at `path`.
 *
 * @throws CliError `USAGE` when it is a folder, or its folder is missing or cannot be written
 */
export async function checkOutputFile(option: string, path: string): Promise<void> {
  const folder = dirname(path);
  try {
    if ((await stat(path)).isDirectory()) throw usage(`${option}: ${path}: ${fileProblems.EISDIR}`);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw explained(error, `${option}: ${path}`);
  }
  try {
    if (!(await stat(folder)).isDirectory()) throw usage(`${option}: ${folder}: ${fileProblems.ENOTDIR}`);
    await access(folder, constants.W_OK);
  } catch (error) {
    throw explained(error, `${option}: the folder ${folder}`);
  }
}

/** A usage error for an error of the file system, and any other error as it is. */
export function explained(error: unknown, subject: string): unknown {
  const problem = fileProblem(codeOf(error));
  return problem === undefined ? error : usage(`${subject}: ${problem}`);
}
