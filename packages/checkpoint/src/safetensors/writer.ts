import type { Shape } from "@mamba/kernel";
import { elementCount } from "@mamba/kernel";
import { safetensorsBytes, type SafetensorsDType } from "./header.ts";

/** A tensor that is about to be written. */
export interface TensorToWrite {
  readonly name: string;
  readonly dtype: SafetensorsDType;
  readonly shape: Shape;
  /** Its raw little-endian bytes; asked for when their turn comes, so that one tensor at a time is in memory. */
  bytes(): Uint8Array | Promise<Uint8Array>;
}

/**
 * The pieces of a safetensors file, in order: header first, then each tensor. Wide types come first and the header is
 * padded to 8 bytes, so that every tensor is aligned to its element size, as the reference implementation does.
 */
export async function* safetensorsPieces(
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>> = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const width = (tensor: TensorToWrite) => safetensorsBytes[tensor.dtype];
  const ordered = [...tensors].sort((a, b) => width(b) - width(a));
  const header = new Map<string, unknown>();
  if (Object.keys(metadata).length > 0) header.set("__metadata__", metadata);
  let end = 0;
  for (const tensor of ordered) {
    if (header.has(tensor.name) || tensor.name === "__metadata__")
      throw new RangeError(`tensor ${tensor.name} is given twice, or has a reserved name`);
    const begin = end;
    end += elementCount(tensor.shape) * width(tensor);
    header.set(tensor.name, { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [begin, end] });
  }
  yield headerBytes(JSON.stringify(Object.fromEntries(header)));
  for (const tensor of ordered) {
    const bytes = await tensor.bytes();
    const expected = elementCount(tensor.shape) * width(tensor);
    if (bytes.length !== expected) {
      throw new RangeError(`tensor ${tensor.name} needs ${expected} bytes, got ${bytes.length}`);
    }
    yield bytes;
  }
}

function headerBytes(json: string): Uint8Array {
  const text = new TextEncoder().encode(json);
  const length = Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(8 + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(text, 8);
  return bytes;
}
