import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import {
  type ChunkedTensorToWrite,
  type PatchedChunks,
  safetensorsFile,
  type TensorToWrite,
} from "@mamba/core/safetensors";
import { replaceFiles } from "@mamba/files";
import { ggufChunks, type GgufContent } from "./formats/gguf/write.ts";
import { ioError } from "./sources/folder.ts";

/** The bytes of a file: all at once, chunks of them in order, or chunks of which some bytes are known only at the end. */
export type Content = Uint8Array | AsyncIterable<Uint8Array> | PatchedChunks;

/**
 * Writes files, and the folders that are missing, so that a crash leaves each file with its old content or with its
 * complete new content. On an error no file is half written.
 *
 * @throws CheckpointError `IO`
 */
export async function writeFiles(files: ReadonlyMap<string, Content>): Promise<void> {
  const fail = (path: string, cause: unknown): never => {
    throw ioError(path, cause);
  };
  for (const folder of new Set([...files.keys()].map((path) => dirname(path)))) {
    await mkdir(folder, { recursive: true }).catch((cause: unknown) => fail(folder, cause));
  }
  await replaceFiles(files, fail);
}

/**
 * Writes a GGUF file in chunks, atomically: a crash leaves the old file or the complete new one.
 *
 * @throws CheckpointError `IO`; RangeError as `ggufChunks`; the errors of the tensors' chunks
 */
export async function writeGguf(path: string, content: GgufContent): Promise<void> {
  await writeFiles(new Map([[path, ggufChunks(content)]]));
}

/**
 * Writes a safetensors file with a checksum in its metadata, one tensor in memory at a time, atomically.
 *
 * @throws CheckpointError `IO`; RangeError when a tensor is given twice or has the wrong number of bytes
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly (TensorToWrite | ChunkedTensorToWrite)[],
  metadata?: Readonly<Record<string, string>>,
): Promise<void> {
  await writeFiles(new Map([[path, safetensorsFile(tensors, metadata)]]));
}
