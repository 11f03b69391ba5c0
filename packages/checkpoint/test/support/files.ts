import { safetensorsChunks, type TensorToWrite } from "@mamba/core/safetensors";

/** A safetensors file in memory. */
export async function safetensors(
  tensors: readonly TensorToWrite[],
  metadata?: Record<string, string>,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of safetensorsChunks(tensors, metadata)) chunks.push(chunk);
  return new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
}

/** A safetensors file with any header, valid or not, followed by `dataBytes` zeros. */
export function rawSafetensors(header: unknown, dataBytes: number, declaredLength?: bigint): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + json.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, declaredLength ?? BigInt(json.length), true);
  file.set(json, 8);
  return file;
}

/** A tensor of small pseudo-random numbers. Random bytes would hold NaN. */
export function f32Tensor(name: string, shape: readonly number[], seed = 1): TensorToWrite {
  const values = new Float32Array(shape.reduce((product, extent) => product * extent, 1));
  let state = seed;
  for (let i = 0; i < values.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = state / 2 ** 32 - 0.5;
  }
  return { name, dtype: "F32", shape, bytes: () => new Uint8Array(values.buffer) };
}
