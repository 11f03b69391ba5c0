import { safetensorsPieces, type TensorToWrite } from "../../src/safetensors/writer.ts";

/** A safetensors file in memory. */
export async function safetensors(
  tensors: readonly TensorToWrite[],
  metadata?: Record<string, string>,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of safetensorsPieces(tensors, metadata)) pieces.push(piece);
  return new Uint8Array(await new Blob(pieces as BlobPart[]).arrayBuffer());
}

/** A safetensors file with any header at all, true or not, and `dataBytes` zeros behind it. */
export function rawSafetensors(header: unknown, dataBytes: number, declaredLength?: bigint): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + json.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, declaredLength ?? BigInt(json.length), true);
  file.set(json, 8);
  return file;
}

/** A tensor of random bytes would hold NaNs; these are small numbers, so that models of them compute. */
export function f32Tensor(name: string, shape: readonly number[], seed = 1): TensorToWrite {
  const values = new Float32Array(shape.reduce((product, extent) => product * extent, 1));
  let state = seed;
  for (let i = 0; i < values.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = state / 2 ** 32 - 0.5;
  }
  return { name, dtype: "F32", shape, bytes: () => new Uint8Array(values.buffer) };
}
