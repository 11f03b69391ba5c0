// Files in memory for tests.
import { safetensorsChunks, type TensorToWrite } from "./writer.ts";

/** A safetensors file in memory. */
export async function safetensors(
  tensors: readonly TensorToWrite[],
  metadata?: Record<string, string>,
): Promise<Uint8Array> {
  const bytes: number[] = [];
  for await (const chunk of safetensorsChunks(tensors, metadata)) bytes.push(...chunk);
  return Uint8Array.from(bytes);
}

/** A safetensors file with any header, valid or not, followed by `dataBytes` zeros. */
export function rawSafetensors(header: unknown, dataBytes: number, declaredLength?: bigint): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + json.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, declaredLength ?? BigInt(json.length), true);
  file.set(json, 8);
  return file;
}
