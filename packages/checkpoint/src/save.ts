import { join } from "node:path";
import { type MambaLM, parameter, type ParameterSpec, type Tokenizer } from "@mamba/core";
import { safetensorsChunks } from "@mamba/core/safetensors";
import type { FloatDType, HostArray } from "@mamba/kernel";
import { architectureFor, type ConfigFormat } from "./architectures/index.ts";
import { weightsFile } from "./formats/safetensors/weights.ts";
import { type Content, writeFiles } from "./writeFiles.ts";
import { type ParameterValues, tensorsToWrite } from "./parameters/write.ts";
import type { CheckpointTokenizer } from "./tokenizer/parse.ts";

/** Options of `saveCheckpoint`. */
export interface SaveOptions {
  /** Written beside the weights when it came from files; config.json says when it is `byteTokenizer`. */
  readonly tokenizer?: Tokenizer | undefined;
  /** Ids that end a text, for config.json. Default: those of `tokenizer`. */
  readonly stopIds?: readonly number[] | undefined;
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
  { tokenizer, stopIds = tokenizer?.stopIds ?? [], dtype, format }: SaveOptions = {},
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
  const { files: tokenizerFiles = new Map<string, Uint8Array>(), kind } = (tokenizer ??
    {}) as Partial<CheckpointTokenizer>;
  const stored = { dtype: matrixType, stopIds, readsBytes: kind === "bytes" };
  const json = `${JSON.stringify(architecture.toConfig(config, stored), null, 2)}\n`;
  const files = new Map<string, Content>([
    [join(folder, weightsFile), safetensorsChunks(tensors, { format: "pt" })],
    ...[...tokenizerFiles].map(([name, bytes]) => [join(folder, name), bytes] as const),
    [join(folder, "config.json"), new TextEncoder().encode(json)],
  ]);
  await writeFiles(files);
}
