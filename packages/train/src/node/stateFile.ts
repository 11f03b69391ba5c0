import { type FileHandle, open } from "node:fs/promises";
import {
  type ByteSource,
  checksumKey,
  isObject,
  openSafetensors,
  parseJsonObject,
  safetensorsFile,
  SafetensorsError,
  type SafetensorsFile,
} from "@mamba/core/safetensors";
import { replaceFile } from "@mamba/files";
import { TrainError } from "../errors.ts";
import { checkSameRun, type RunState } from "../runState.ts";
import type { Resumable } from "../fit/fit.ts";

// The state of a run is one safetensors file: the parameters and moments as f32, and in the metadata the `RunState` as JSON
// and a checksum of the file.

const metadataKey = "mamba_train";

/** Marks errors about the content of a file, which another state of the same run may not have. */
const damaged = new WeakSet<TrainError>();

/** True for an error of `loadState` that says that the file itself is damaged. */
export function isDamage(error: unknown): error is TrainError {
  return error instanceof TrainError && damaged.has(error);
}

/**
 * Writes the state of a trainer to a file, atomically, with one tensor at a time in memory.
 *
 * @param beforeReplace called when the new content is complete and the file still has its old one
 * @throws TrainError `NON_FINITE` when a weight is NaN or infinite; the previous file stays
 */
export async function saveState(
  path: string,
  trainer: Resumable,
  beforeReplace: () => Promise<void>,
): Promise<void> {
  const tensors = trainer.tensors().map(({ name, shape, read }) => ({
    ...{ name, shape, dtype: "F32" as const },
    bytes: async () => {
      const { buffer, byteOffset, byteLength } = await read();
      return new Uint8Array(buffer, byteOffset, byteLength);
    },
  }));
  const { chunks, patch } = safetensorsFile(tensors, { [metadataKey]: JSON.stringify(trainer.state()) });
  const patchLast = async () => {
    const last = await patch();
    await beforeReplace();
    return last;
  };
  await replaceFile(path, { chunks, patch: patchLast });
}

/**
 * Restores a trainer from a file. Everything is checked before the trainer is changed: the header, the size, the checksum,
 * and that all values are finite.
 *
 * @throws TrainError `RESUME` when the file is damaged, or belongs to a run with another model, config or data
 */
export async function loadState(path: string, trainer: Resumable): Promise<void> {
  const handle = await open(path, "r");
  try {
    const { size } = await handle.stat();
    const file = await openSafetensors(byteSource(path, handle, size));
    const state = parseState(path, file.metadata);
    await file.verify();
    checkSameRun(state, trainer.state());
    checkTensors(path, file, trainer);
    for (const name of file.tensors.keys()) {
      const bad = (await valuesOf(file, name)).find((value) => !Number.isFinite(value));
      if (bad !== undefined) throw damage(`${path}: ${name} has the value ${bad}`);
    }
    await trainer.restore(state, (name) => valuesOf(file, name));
  } catch (error) {
    if (SafetensorsError.is(error)) throw damage(error.message, error);
    throw error;
  } finally {
    await handle.close();
  }
}

function damage(message: string, cause?: unknown): TrainError {
  const error = new TrainError("RESUME", message, { cause });
  damaged.add(error);
  return error;
}

async function valuesOf(file: SafetensorsFile, name: string): Promise<Float32Array> {
  const { buffer, byteOffset, byteLength } = await file.read(name);
  return new Float32Array(buffer, byteOffset, byteLength / 4);
}

function checkTensors(path: string, file: SafetensorsFile, trainer: Resumable): void {
  const found = [...file.tensors.values()].map(({ name, dtype, shape }) => [name, dtype, ...shape].join(" "));
  const expected = trainer.tensors().map(({ name, shape }) => [name, "F32", ...shape].join(" "));
  const index = Array.from({ length: Math.max(found.length, expected.length) }).findIndex(
    (_, i) => found[i] !== expected[i],
  );
  if (index === -1) return;
  const got = `expected ${expected[index] ?? "no more tensors"}, got ${found[index] ?? "no more tensors"}`;
  throw new TrainError("RESUME", `${path}: its tensors are not those of the model: ${got}`);
}

function parseState(path: string, metadata: SafetensorsFile["metadata"]): RunState {
  const json = metadata[metadataKey];
  if (json === undefined) throw damage(`${path}: its header has no training state`);
  if (metadata[checksumKey] === undefined) throw damage(`${path}: its header has no checksum`);
  const { step, data, model, training, fit } = parseJsonObject(
    new TextEncoder().encode(json),
    `${path}: its training state`,
  );
  if (typeof step !== "number" || typeof data !== "string" || !isObject(model) || !isObject(training)) {
    throw damage(`${path}: its training state lacks step, data, model or training`);
  }
  return { step, data, model, training, ...(isObject(fit) && { fit }) };
}

function byteSource(name: string, handle: FileHandle, size: number): ByteSource {
  return {
    name,
    size,
    async read(offset, into) {
      let filled = 0;
      while (filled < into.length) {
        const { bytesRead } = await handle.read(into, filled, into.length - filled, offset + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return filled;
    },
    close: () => handle.close(),
  };
}
