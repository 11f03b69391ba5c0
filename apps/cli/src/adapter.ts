import type { LoraAdapter, MambaLM } from "@mamba/core";
import { note, type Host } from "./host.ts";

/** The flag of commands that use an adapter. */
export const adapterFlag = {
  adapter: {
    type: "string",
    valueHint: "folder",
    description: "LoRA adapter (PEFT's format) to use with the model",
  },
} as const;

/**
 * Puts an adapter to work in the model that was loaded from `source`. It is the caller's to dispose; undefined without a
 * folder.
 *
 * @throws CheckpointError
 */
export async function attachAdapter(
  model: MambaLM,
  source: string,
  folder: string | undefined,
  host: Host,
): Promise<LoraAdapter | undefined> {
  if (folder === undefined) return undefined;
  const { loadAdapter } = await import("@mamba/checkpoint");
  const adapter = await loadAdapter(model, folder, { signal: host.signal });
  const { base } = adapter.config;
  if (base !== undefined && base !== source) {
    note(host, `note: the adapter was made for ${JSON.stringify(base)}, the model is ${source}`);
  }
  model.attach(adapter);
  return adapter;
}
