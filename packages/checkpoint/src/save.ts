import { join } from "node:path";
import {
  checkMergeable,
  type LoraAdapter,
  type MambaLM,
  mergedWeight,
  moduleName,
  parameter,
  type ParameterSpec,
  type Tokenizer,
} from "@mamba/core";
import { safetensorsFile, show } from "@mamba/core/safetensors";
import type { FloatDType, HostArray } from "@mamba/kernel";
import { architectureFor, type ConfigFormat } from "./architectures/index.ts";
import { CheckpointError } from "./errors.ts";
import { weightsFile } from "./formats/safetensors/weights.ts";
import { type Content, writeFiles } from "./writeFiles.ts";
import { type ParameterValues, storageOf, tensorsToWrite } from "./parameters/write.ts";
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
  /**
   * Required when the model has an adapter attached: "merge" writes the weights with the adapter added to them, and leaves the
   * model as it is; "omit" writes the model's own weights alone, to save the adapter with `saveAdapter`.
   */
  readonly adapter?: "merge" | "omit" | undefined;
}

/**
 * Writes a model into `folder`: config.json, model.safetensors and, where `tokenizer` came from files, those files. A
 * failure leaves existing files as they were, and one tensor at a time is in memory.
 *
 * @throws CheckpointError `IO`, `UNSUPPORTED_MODEL` when `format` cannot describe the model, `ADAPTER` when an adapter is
 * attached and the option `adapter` is not given, `NON_FINITE` when a weight is NaN or infinite, or too large for `dtype`;
 * MambaError `PARAMETER` when the adapter cannot be merged; KernelError when reading the
 * weights fails
 */
export async function saveCheckpoint(
  model: MambaLM,
  folder: string,
  { tokenizer, stopIds = tokenizer?.stopIds ?? [], dtype, format, adapter: mode }: SaveOptions = {},
): Promise<void> {
  const { config, kernel, parameters } = model;
  const adapter = adapterToMerge(model, mode);
  const architecture = architectureFor(config, format);
  const sources = architecture.sources(config);
  const valuesOf = ({ name }: ParameterSpec): ParameterValues => {
    const tensor = parameter(parameters, name);
    if (adapter?.updateOf(moduleName(name)))
      return {
        dtype: "f32",
        storedAs: tensor.dtype as FloatDType,
        read: () => mergedWeight(model, name, adapter),
      };
    return {
      dtype: tensor.dtype as FloatDType,
      read: async () => (await kernel.read(tensor))[0] as HostArray,
    };
  };
  const tensors = tensorsToWrite(sources, dtype, valuesOf);
  const [matrixType = "f32"] = sources
    .filter(({ spec }) => spec.storage === "any")
    .map(({ spec }) => dtype ?? storageOf(valuesOf(spec)))
    .slice(-1);
  const { files: tokenizerFiles = new Map<string, Uint8Array>(), kind } = (tokenizer ??
    {}) as Partial<CheckpointTokenizer>;
  const stored = { dtype: matrixType, stopIds, readsBytes: kind === "bytes" };
  const json = `${JSON.stringify(architecture.toConfig(config, stored), null, 2)}\n`;
  const files = new Map<string, Content>([
    [join(folder, weightsFile), safetensorsFile(tensors, { format: "pt" })],
    ...[...tokenizerFiles].map(([name, bytes]) => [join(folder, name), bytes] as const),
    [join(folder, "config.json"), new TextEncoder().encode(json)],
  ]);
  await writeFiles(files);
}

/** @throws CheckpointError `ADAPTER` when an adapter is attached and `mode` does not say what becomes of it */
function adapterToMerge(model: MambaLM, mode: "merge" | "omit" | undefined): LoraAdapter | undefined {
  if (mode !== undefined && mode !== "merge" && mode !== "omit")
    throw new CheckpointError("ADAPTER", `option adapter must be "merge" or "omit", got ${show(mode)}`);
  const { adapter } = model;
  if (adapter === undefined || mode === "omit") return undefined;
  if (mode === "merge") {
    checkMergeable(model, adapter);
    return adapter;
  }
  const remedy =
    'pass adapter: "merge" to write its sum with the weights, or adapter: "omit" to write the weights alone and save the ' +
    "adapter with saveAdapter";
  throw new CheckpointError("ADAPTER", `the model has an adapter attached; ${remedy}`);
}
