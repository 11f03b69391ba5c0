import { type FileHandle, open } from "node:fs/promises";
import { replaceFile } from "@mamba/files";
import { elementCount } from "@mamba/kernel";
import { TrainError } from "../errors.ts";
import { checkSameRun, type RunState, type SavedTensor } from "../runState.ts";
import type { Trainer } from "../trainer.ts";

// The state of a run is one safetensors file: the parameters and moments as f32, and the `RunState` as JSON in the metadata.

/** Bytes of the largest header that is read: a state of about 4000 layers. */
const largestHeader = 16 * 2 ** 20;

/**
 * Writes the state of a trainer to a file, atomically, with one tensor at a time in memory.
 *
 * @throws TrainError `NON_FINITE` when a weight is NaN or infinite; the previous file stays
 */
export async function saveState(path: string, trainer: Trainer<unknown>): Promise<void> {
  const tensors = trainer.tensors();
  const header = headerOf(JSON.stringify(trainer.state()), tensors);
  const chunks = async function* () {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    yield length;
    yield header;
    for (const { read } of tensors) {
      const { buffer, byteOffset, byteLength } = await read();
      yield new Uint8Array(buffer, byteOffset, byteLength);
    }
  };
  await replaceFile(path, chunks());
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
    const header = await readHeader(path, handle, size);
    const json = stateIn(path, header);
    const state = parseState(path, json);
    checkSameRun(state, trainer.state());
    const tensors = trainer.tensors();
    // The run determines the whole header, so an equal header means the right names, shapes and offsets.
    if (!header.equals(headerOf(json, tensors)))
      throw damaged(path, "its tensors are not those of the model");
    const places = new Map<string, { offset: number; count: number }>();
    let end = 8 + header.length;
    for (const { name, shape } of tensors) {
      const count = elementCount(shape);
      places.set(name, { offset: end, count });
      end += 4 * count;
    }
    if (size !== end) throw damaged(path, `it has ${size} bytes, expected ${end}`);
    await trainer.restore(state, async (name) => {
      const place = places.get(name);
      if (!place) throw new RangeError(`${path}: there is no tensor ${name}`);
      const { buffer, byteOffset } = await readExactly(path, handle, place.offset, 4 * place.count);
      return new Float32Array(buffer, byteOffset, place.count);
    });
  } finally {
    await handle.close();
  }
}

function headerOf(state: string, tensors: readonly SavedTensor[]): Buffer {
  let end = 0;
  const entries = tensors.map(({ name, shape }) => {
    const begin = end;
    end += 4 * elementCount(shape);
    return [name, { dtype: "F32", shape, data_offsets: [begin, end] }];
  });
  const json = JSON.stringify({ __metadata__: { mamba_train: state }, ...Object.fromEntries(entries) });
  const bytes = Buffer.from(json);
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 7, " ")]); // the data is aligned to 8 bytes
}

async function readHeader(path: string, handle: FileHandle, size: number): Promise<Buffer> {
  if (size < 8) throw damaged(path, `it has ${size} bytes`);
  const length = (await readExactly(path, handle, 0, 8)).readBigUInt64LE();
  if (length > size - 8 || length > largestHeader)
    throw damaged(path, `its header claims ${length.toString()} bytes`);
  return readExactly(path, handle, 8, Number(length));
}

/** The JSON of the `RunState`, exactly as it was written. */
function stateIn(path: string, header: Buffer): string {
  try {
    const { __metadata__: metadata } = JSON.parse(header.toString()) as { __metadata__?: unknown };
    const { mamba_train: state } = metadata as { mamba_train?: unknown };
    if (typeof state === "string") return state;
  } catch (cause) {
    throw damaged(path, "its header is not one of a training state", cause);
  }
  throw damaged(path, "its header has no training state");
}

function parseState(path: string, json: string): RunState {
  let state: Partial<RunState> | null;
  try {
    state = JSON.parse(json) as Partial<RunState> | null;
  } catch (cause) {
    throw damaged(path, "its training state is not JSON", cause);
  }
  const isRecord = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);
  const { step, data, model, training } = state ?? {};
  if (typeof step !== "number" || typeof data !== "string" || !isRecord(model) || !isRecord(training)) {
    throw damaged(path, "its training state lacks step, data, model or training");
  }
  return state as RunState;
}

async function readExactly(
  path: string,
  handle: FileHandle,
  offset: number,
  length: number,
): Promise<Buffer> {
  const bytes = Buffer.from(new ArrayBuffer(length)); // a buffer of its own, aligned for f32
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0) throw damaged(path, `it ends at byte ${offset + filled}`);
    filled += bytesRead;
  }
  return bytes;
}

function damaged(path: string, message: string, cause?: unknown): TrainError {
  return new TrainError("RESUME", `${path}: not a complete training state: ${message}`, { cause });
}
