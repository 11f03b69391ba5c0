import { CheckpointError } from "../../errors.ts";
import type { CheckpointFiles } from "../../sources/source.ts";

// Pickles are not read: reading one runs the code in it.

/** The error for weights that exist only as a pickle. Says how to convert them. */
export function pickleError(label: string, name: string): CheckpointError {
  const reason = `the weights exist only as ${name}, a PyTorch pickle, and reading a pickle runs the code in it`;
  const remedy =
    "if you trust it, load it with PyTorch and save it with save_pretrained(folder, safe_serialization=True), " +
    "or choose a revision that has model.safetensors";
  return new CheckpointError("PICKLE", `${label}: ${reason}; ${remedy}`);
}

/** The name of the first pickle in `names` that the checkpoint has. */
export async function findPickle(
  files: CheckpointFiles,
  names: readonly string[],
): Promise<string | undefined> {
  for (const name of names) {
    const pickle = await files.open(name);
    if (!pickle) continue;
    await pickle.close();
    return name;
  }
  return undefined;
}
