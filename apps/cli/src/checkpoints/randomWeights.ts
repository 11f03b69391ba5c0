import { stat } from "node:fs/promises";
import { join } from "node:path";
import { initialValues, parameterSpecs, type MambaLMConfig, type ParameterSpec } from "@mamba/core";
import { openSafetensors, type SafetensorsDType, type TensorToWrite } from "@mamba/checkpoint";
import { elementCount, fromFloat32, type FloatDType } from "@mamba/kernel";

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

const fileNames: Readonly<Record<FloatDType, SafetensorsDType>> = { f32: "F32", f16: "F16", bf16: "BF16" };

/**
 * The tensors of a new model under the names and shapes of Hugging Face checkpoints. Each is made when it is written.
 *
 * @param dtype storage of the large matrices; all other tensors are f32
 * @param onTensor called with the bytes of each tensor once it is made
 */
export function randomTensors(
  config: MambaLMConfig,
  { dtype, seed, onTensor }: { dtype: FloatDType; seed: number; onTensor: (bytes: number) => void },
): TensorToWrite[] {
  return parameterSpecs(config).map((spec) => {
    const target = spec.storage === "any" ? dtype : "f32";
    return {
      name: spec.name,
      dtype: fileNames[target],
      shape: fileShape(spec),
      bytes: () => {
        const { buffer, byteLength } = fromFloat32(initialValues(spec, seed), target);
        onTensor(byteLength);
        return new Uint8Array(buffer);
      },
    };
  });
}

/** PyTorch's grouped convolution has a channel axis: [E, K] is stored as [E, 1, K]. */
function fileShape({ name, shape }: ParameterSpec): readonly number[] {
  const [rows = 0, ...columns] = shape;
  return name.endsWith("conv1d.weight") ? [rows, 1, ...columns] : shape;
}

/** Bytes of all tensors of a model in a file. */
export function weightBytes(config: MambaLMConfig, dtype: FloatDType): number {
  return parameterSpecs(config).reduce(
    (sum, { shape, storage }) => sum + elementCount(shape) * (storage === "any" && dtype !== "f32" ? 2 : 4),
    0,
  );
}
