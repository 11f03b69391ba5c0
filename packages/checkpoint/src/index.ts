import { openSafetensors as openSource, type SafetensorsFile } from "./safetensors/reader.ts";
import { fileSource } from "./node/folder.ts";
import type { ByteSource } from "./source.ts";

export * from "./common.ts";
export { loadAdapter, saveAdapter } from "./node/adapter.ts";
export type { HubOptions } from "./node/hub.ts";
export { inspectCheckpoint, loadCheckpoint, type NodeLoadOptions } from "./node/load.ts";
export { saveCheckpoint, type SaveOptions } from "./node/save.ts";
export { writeSafetensors } from "./node/write.ts";

/**
 * Opens a safetensors file by its path, or over any other source of bytes. Nothing is allocated before the header's
 * length was held against the file's size and a cap of 16 MiB, and no data is read before it is asked for.
 *
 * @throws CheckpointError `NOT_FOUND`, `TRUNCATED`, `TOO_LARGE`, `PICKLE`, `HEADER`, `JSON`, `DUPLICATE_KEY`, `DTYPE`,
 * `SHAPE`, `OFFSETS`, `IO`
 */
export async function openSafetensors(source: string | ByteSource): Promise<SafetensorsFile> {
  return openSource(typeof source === "string" ? await fileSource(source) : source);
}
