import type { LoadedCheckpoint, NodeLoadOptions } from "@mamba/checkpoint";
import { type Kernel, quantizedTypes, type WeightDType } from "@mamba/kernel";
import { Option } from "../program/commander.ts";
import { note, type Host } from "../program/host.ts";
import { choiceOption } from "../program/options.ts";
import { progress } from "../program/progress.ts";

/** The checkpoint that a command works with. */
export interface ModelChoice {
  /** A folder, a GGUF file, or a model's name on the hub. */
  readonly model: string;
  readonly offline?: true | undefined;
}

/** An option of every command that takes a model from the hub. */
export const offlineOption = new Option(
  "--offline",
  "Take a hub model from the cache alone, as HF_HUB_OFFLINE=1 does",
);

/** An option of commands that load a language model. */
export const dtypeOption = choiceOption(
  "--dtype <type>",
  "Storage of the large matrices in memory (default: as in the file)",
  ["f32", "f16", "bf16", ...quantizedTypes],
  { ignoresCase: true },
);

/** The hub's address and the access token, from the environment variables of the Python tools. */
export function hubOptions({ offline }: Pick<ModelChoice, "offline">, { env }: Host): NodeLoadOptions {
  return { hubUrl: env["HF_ENDPOINT"] || undefined, accessToken: env["HF_TOKEN"] || undefined, offline };
}

/** Loads a checkpoint with a progress bar, and prints its notes. */
export async function loadModel(
  kernel: Kernel,
  { model: source, offline }: ModelChoice,
  dtype: WeightDType | undefined,
  host: Host,
): Promise<LoadedCheckpoint> {
  const { loadCheckpoint } = await import("@mamba/checkpoint");
  const { findRandomMarker } = await import("./randomWeights.ts");
  const random = await findRandomMarker(source);
  using bar = progress(host, "loading");
  const loaded = await loadCheckpoint(kernel, source, {
    ...hubOptions({ offline }, host),
    dtype,
    signal: host.signal,
    onProgress: ({ doneBytes, totalBytes }) => bar.update(doneBytes, totalBytes ?? doneBytes),
  });
  for (const text of loaded.notes) note(host, `note: ${text}`);
  if (random !== undefined) note(host, `note: the weights are random, the text has no meaning (${random})`);
  return loaded;
}
