import type { Shape } from "@mamba/kernel";
import { Checksum, checksumKey, emptyChecksum } from "./checksum.ts";
import { alignmentOf, type SafetensorsDType, tensorBytes } from "./dtypes.ts";

/** A tensor that is about to be written. */
export interface TensorToWrite {
  readonly name: string;
  readonly dtype: SafetensorsDType;
  readonly shape: Shape;
  /** Returns its raw little-endian bytes. Called when they are written, so that one tensor at a time is in memory. */
  bytes(): Uint8Array | Promise<Uint8Array>;
}

/** A tensor that is about to be written, and is never in memory as a whole. */
export interface ChunkedTensorToWrite extends Omit<TensorToWrite, "bytes"> {
  /** Yields its bytes in chunks of any sizes. A chunk may be overwritten when the next one is asked for. */
  chunks(): AsyncIterable<Uint8Array>;
}

/**
 * Yields a safetensors file in chunks: the header first, then each tensor. Wide types come first and the header is
 * padded to 8 bytes, so that every tensor is aligned to its element size, as in the reference implementation.
 *
 * @throws RangeError when a name is given twice or is reserved, or a tensor has the wrong number of bytes
 */
export async function* safetensorsChunks(
  tensors: readonly (TensorToWrite | ChunkedTensorToWrite)[],
  metadata: Readonly<Record<string, string>> = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const ordered = [...tensors].sort((a, b) => alignmentOf(b.dtype) - alignmentOf(a.dtype));
  const header = new Map<string, unknown>();
  if (Object.keys(metadata).length > 0) header.set("__metadata__", metadata);
  let end = 0;
  for (const { name, dtype, shape } of ordered) {
    if (header.has(name) || name === "__metadata__")
      throw new RangeError(`tensor ${name} is given twice, or has a reserved name`);
    const begin = end;
    end += tensorBytes(dtype, shape);
    header.set(name, { dtype, shape, data_offsets: [begin, end] });
  }
  yield headerBytes(JSON.stringify(Object.fromEntries(header)));
  for (const tensor of ordered) {
    const expected = tensorBytes(tensor.dtype, tensor.shape);
    let done = 0;
    for await (const chunk of "chunks" in tensor ? tensor.chunks() : [await tensor.bytes()]) {
      done += chunk.length;
      if (done <= expected) yield chunk;
    }
    if (done !== expected) throw new RangeError(`tensor ${tensor.name} needs ${expected} bytes, got ${done}`);
  }
}

/** The chunks of a file, and bytes that replace some of them once all are written. */
export interface PatchedChunks {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Called after the last chunk. */
  readonly patch: () => Promise<{ readonly offset: number; readonly bytes: Uint8Array }>;
}

/**
 * A safetensors file as `safetensorsChunks` yields it, with a checksum of the whole file in its metadata (`checksumKey`),
 * which is known only at the end. `openSafetensors` checks it.
 *
 * @throws RangeError as `safetensorsChunks`, and when `metadata` has a checksum already
 */
export function safetensorsFile(
  tensors: readonly (TensorToWrite | ChunkedTensorToWrite)[],
  metadata: Readonly<Record<string, string>> = {},
): PatchedChunks {
  if (Object.hasOwn(metadata, checksumKey)) throw new RangeError(`metadata key ${checksumKey} is reserved`);
  const checksum = new Checksum();
  return {
    chunks: (async function* () {
      for await (const chunk of safetensorsChunks(tensors, { [checksumKey]: emptyChecksum, ...metadata })) {
        await checksum.update(chunk);
        yield chunk;
      }
    })(),
    async patch() {
      // The key is the first of the header.
      const offset = 8 + `{"__metadata__":{"${checksumKey}":"`.length;
      return { offset, bytes: new TextEncoder().encode(await checksum.digest()) };
    },
  };
}

function headerBytes(json: string): Uint8Array {
  const text = new TextEncoder().encode(json);
  const length = Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(8 + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(text, 8);
  return bytes;
}
