import { join } from "node:path";
import { type MambaLM, parameter, type ParameterSpec, type Tokenizer } from "@mamba/core";
import { safetensorsFile } from "@mamba/core/safetensors";
import type { FloatDType, HostArray } from "@mamba/kernel";
import { architectureFor, type ConfigFormat } from "./architectures/index.ts";
import { weightsFile } from "./formats/safetensors/weights.ts";
import type { Content } from "@mamba/files";
import { writeFiles } from "./writeFiles.ts";
import { type ParameterValues, tensorsToWrite } from "./parameters/write.ts";
import type { FileTokenizer } from "./tokenizer.ts";

/** Options of `saveCheckpoint`. */
export interface SaveOptions {
  /** Written beside the weights when it came from files; its `stopIds` go into the config. */
  readonly tokenizer?: Tokenizer | undefined;
  /** Round the large matrices to this type. Default: as the kernel stores them. All other tensors are written as f32. */
  readonly dtype?: FloatDType | undefined;
  /** Form of config.json and names of the tensors. Default: the one that `transformers` reads, where it has the model. */
  readonly format?: ConfigFormat | undefined;
}

/**
 * Writes a model into `folder`: config.json, model.safetensors and, where `tokenizer` came from files, those files. A
 * failure leaves existing files as they were, and one tensor at a time is in memory.
 *
 * @throws CheckpointError `IO`, `UNSUPPORTED_MODEL` when `format` cannot describe the model; KernelError when reading the
 * weights fails
 */
export async function saveCheckpoint(
  { config, kernel, parameters }: MambaLM,
  folder: string,
  { tokenizer, dtype, format }: SaveOptions = {},
): Promise<void> {
  const architecture = architectureFor(config, format);
  const sources = architecture.sources(config);
  const valuesOf = ({ name }: ParameterSpec): ParameterValues => {
    const tensor = parameter(parameters, name);
    return {
      dtype: tensor.dtype as FloatDType,
      read: async () => (await kernel.read(tensor))[0] as HostArray,
    };
  };
  const tensors = tensorsToWrite(sources, dtype, valuesOf);
  const [matrixType = "f32"] = sources
    .filter(({ spec }) => spec.storage === "any")
    .map(({ spec }) => dtype ?? valuesOf(spec).dtype)
    .slice(-1);
  const stored = { dtype: matrixType, stopIds: tokenizer?.stopIds ?? [] };
  const json = `${JSON.stringify(architecture.toConfig(config, stored), null, 2)}\n`;
  const files = new Map<string, Content>([
    [join(folder, weightsFile), safetensorsFile(tensors, { format: "pt" })],
    ...[...filesOf(tokenizer)].map(([name, bytes]) => [join(folder, name), bytes] as const),
    [join(folder, "config.json"), new TextEncoder().encode(json)],
  ]);
  await writeFiles(files);
}

function filesOf(tokenizer: Tokenizer | undefined): ReadonlyMap<string, Uint8Array> {
  return (tokenizer as Partial<FileTokenizer> | undefined)?.files ?? new Map();
}
