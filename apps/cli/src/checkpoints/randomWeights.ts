import { stat } from "node:fs/promises";
import { join } from "node:path";
import { initialValues, type LMConfig, parameterSpecs, type ParameterSpec } from "@mamba/core";
import { type ChunkedTensorToWrite, hubTensors, openSafetensors } from "@mamba/checkpoint";
import { elementCount, type FloatDType } from "@mamba/kernel";

/** The metadata key of a safetensors file with untrained weights; its value names their preset and seed. */
const marker = "mamba_random_weights";

/** Metadata of a file with random weights. */
export function randomMetadata(preset: string, seed: number): Record<string, string> {
  return { format: "pt", [marker]: `preset ${preset}, seed ${seed}` };
}

/** Preset and seed of a checkpoint folder with random weights; undefined for any other checkpoint. */
export async function findRandomMarker(source: string): Promise<string | undefined> {
  const path = join(source, "model.safetensors");
  const exists = await stat(path).then(
    (info) => info.isFile(),
    () => false,
  );
  if (!exists) return undefined;
  await using file = await openSafetensors(path);
  return file.metadata[marker];
}

/**
 * The tensors of a new model under the names and shapes of Hugging Face checkpoints. Each is made when it is written.
 *
 * @param dtype storage of the large matrices; all other tensors are f32
 * @param onBytes called with the bytes of each chunk
 */
export function randomTensors(
  config: LMConfig,
  { dtype, seed, onBytes }: { dtype: FloatDType; seed: number; onBytes: (bytes: number) => void },
): ChunkedTensorToWrite[] {
  // A tensor may hold rows of several parameters in turn, and a parameter may be in many tensors: those of experts.
  const recent = new Map<string, Float32Array>();
  const values = (spec: ParameterSpec): Float32Array => {
    const made = recent.get(spec.name) ?? initialValues(spec, seed);
    recent.delete(spec.name);
    recent.set(spec.name, made);
    const [oldest] = recent.keys();
    if (recent.size > 3 && oldest !== undefined) recent.delete(oldest);
    return made;
  };
  return hubTensors(config, { dtype, values }).map((tensor) => ({
    ...tensor,
    async *chunks() {
      for await (const chunk of tensor.chunks()) {
        yield chunk;
        onBytes(chunk.length);
      }
    },
  }));
}

/** Bytes of all tensors of a model in a file. */
export function weightBytes(config: LMConfig, dtype: FloatDType): number {
  return parameterSpecs(config).reduce(
    (sum, { shape, storage }) => sum + elementCount(shape) * (storage === "any" && dtype !== "f32" ? 2 : 4),
    0,
  );
}
