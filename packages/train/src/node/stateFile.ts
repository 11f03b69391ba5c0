import { type FileHandle, open } from "node:fs/promises";
import {
  type ByteSource,
  openSafetensors,
  safetensorsChunks,
  SafetensorsError,
  type SafetensorsFile,
} from "@mamba/core/safetensors";
import { replaceFile } from "@mamba/files";
import { TrainError } from "../errors.ts";
import { checkSameRun, type RunState } from "../runState.ts";
import type { Trainer } from "../trainer.ts";

// The state of a run is one safetensors file: the parameters and moments as f32, and the `RunState` as JSON in the metadata.

const metadataKey = "mamba_train";

/**
 * Writes the state of a trainer to a file, atomically, with one tensor at a time in memory.
 *
 * @throws TrainError `NON_FINITE` when a weight is NaN or infinite; the previous file stays
 */
export async function saveState(path: string, trainer: Trainer<unknown>): Promise<void> {
  const tensors = trainer.tensors().map(({ name, shape, read }) => ({
    ...{ name, shape, dtype: "F32" as const },
    bytes: async () => {
      const { buffer, byteOffset, byteLength } = await read();
      return new Uint8Array(buffer, byteOffset, byteLength);
    },
  }));
  await replaceFile(path, safetensorsChunks(tensors, { [metadataKey]: JSON.stringify(trainer.state()) }));
}

/**
 * Restores a trainer from a file. The header and the size are checked before the trainer is changed.
 *
 * @throws TrainError `RESUME` when the file is damaged, or belongs to a run with another model, config or data
 */
export async function loadState(path: string, trainer: Trainer<unknown>): Promise<void> {
  const handle = await open(path, "r");
  try {
    const { size } = await handle.stat();
    const file = await openSafetensors(byteSource(path, handle, size));
    const state = parseState(path, file.metadata[metadataKey]);
    checkSameRun(state, trainer.state());
    checkTensors(path, file, trainer);
    await trainer.restore(state, async (name) => {
      const { buffer, byteOffset, byteLength } = await file.read(name);
      return new Float32Array(buffer, byteOffset, byteLength / 4);
    });
  } catch (error) {
    if (SafetensorsError.is(error)) throw new TrainError("RESUME", error.message, { cause: error });
    throw error;
  } finally {
    await handle.close();
  }
}

function checkTensors(path: string, file: SafetensorsFile, trainer: Trainer<unknown>): void {
  const found = [...file.tensors.values()].map(({ name, dtype, shape }) => [name, dtype, ...shape].join(" "));
  const expected = trainer.tensors().map(({ name, shape }) => [name, "F32", ...shape].join(" "));
  const index = Array.from({ length: Math.max(found.length, expected.length) }).findIndex(
    (_, i) => found[i] !== expected[i],
  );
  if (index === -1) return;
  const got = `expected ${expected[index] ?? "no more tensors"}, got ${found[index] ?? "no more tensors"}`;
  throw new TrainError("RESUME", `${path}: its tensors are not those of the model: ${got}`);
}

function parseState(path: string, json: string | undefined): RunState {
  if (json === undefined) throw new TrainError("RESUME", `${path}: its header has no training state`);
  let state: Partial<RunState> | null;
  try {
    state = JSON.parse(json) as Partial<RunState> | null;
  } catch (cause) {
    throw new TrainError("RESUME", `${path}: its training state is not JSON`, { cause });
  }
  const isRecord = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);
  const { step, data, model, training } = state ?? {};
  if (typeof step !== "number" || typeof data !== "string" || !isRecord(model) || !isRecord(training)) {
    throw new TrainError("RESUME", `${path}: its training state lacks step, data, model or training`);
  }
  return state as RunState;
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
