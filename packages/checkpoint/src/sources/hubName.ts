import { show } from "@mamba/core/safetensors";
import { CheckpointError } from "../errors.ts";

// Names of models become paths in the cache and in URLs, so they are checked first.

const word = "[A-Za-z0-9_][\\w.-]{0,95}";
const hubName = new RegExp(`^${word}/${word}$`);
const cachedName = new RegExp(`^(?:${word}/)?${word}$`);

/** `--` stands for `/` in the names of folders, and the hub allows neither it nor `..` in a name. */
function isUnambiguous(text: string): boolean {
  return !text.includes("..") && !text.includes("--");
}

/** True for `organisation/name`. */
export function isHubName(text: string): boolean {
  return hubName.test(text) && isUnambiguous(text);
}

/** True for the name of a model that the cache can hold: also a name without an organisation, such as "gpt2". */
export function isCachedName(text: string): boolean {
  return cachedName.test(text) && isUnambiguous(text);
}

/** The name and the file of `organisation/name:Q4_K_M`. */
export function splitFile(source: string): { readonly name: string; readonly file: string | undefined } {
  const [name = "", file] = source.split(/:(.*)/s);
  return { name, file };
}

/** @throws CheckpointError `HUB` when the text cannot be a branch, a tag or a commit */
export function checkRevision(name: string, revision: string): void {
  if (!/^[\w][\w./-]{0,199}$/.test(revision) || revision.split("/").includes(".."))
    throw new CheckpointError("HUB", `${name}: ${show(revision)} is not a revision`);
}

const prefix = "models--";

/** The name of the folder of a model's repository in the cache. */
export function folderName(name: string): string {
  return prefix + name.replaceAll("/", "--");
}

/** The name of the model that a folder of the cache holds; undefined for a folder that is named otherwise. */
export function modelName(folder: string): string | undefined {
  if (!folder.startsWith(prefix)) return undefined;
  const name = folder.slice(prefix.length).replaceAll("--", "/");
  return isCachedName(name) && folderName(name) === folder ? name : undefined;
}
