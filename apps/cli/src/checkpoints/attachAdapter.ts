import { resolve } from "node:path";
import type { LoraAdapter, MambaLM } from "@mamba/core";
import { note, type Host } from "../program/host.ts";

/**
 * Loads a LoRA adapter and attaches it to the model that was loaded from `source`.
 *
 * @returns the adapter, owned by the caller; undefined without a folder
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
  if (base !== undefined && base !== source && base !== resolve(source)) {
    note(host, `note: the adapter was made for ${JSON.stringify(base)}, the model is ${source}`);
  }
  model.attach(adapter);
  return adapter;
}
