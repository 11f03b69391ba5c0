import type { LoadedCheckpoint, NodeLoadOptions } from "@mamba/checkpoint";
import type { FloatDType, Kernel } from "@mamba/kernel";
import { note, type Host } from "../program/host.ts";
import { progress } from "../program/progress.ts";

/** The hub's address and the access token, from the environment variables of the Python tools. */
export function hubOptions({ env }: Host): NodeLoadOptions {
  return { hubUrl: env["HF_ENDPOINT"] || undefined, accessToken: env["HF_TOKEN"] || undefined };
}

/** Loads a checkpoint with a progress bar, and prints its notes. */
export async function loadModel(
  kernel: Kernel,
  source: string,
  dtype: FloatDType | undefined,
  host: Host,
): Promise<LoadedCheckpoint> {
  const { loadCheckpoint } = await import("@mamba/checkpoint");
  const { findRandomMarker } = await import("./randomWeights.ts");
  const random = await findRandomMarker(source);
  using bar = progress(host, "loading");
  const loaded = await loadCheckpoint(kernel, source, {
    ...hubOptions(host),
    dtype,
    signal: host.signal,
    onProgress: ({ doneBytes, totalBytes }) => bar.update(doneBytes, totalBytes ?? doneBytes),
  });
  for (const text of loaded.notes) note(host, `note: ${text}`);
  if (random !== undefined) note(host, `note: the weights are random, the text has no meaning (${random})`);
  return loaded;
}
