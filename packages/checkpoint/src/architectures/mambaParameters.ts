import { type LMConfig, type MambaLMConfig, type ParameterSpec, parameterSpecs } from "@mamba/core";
import { type ParameterSource, sameInFile } from "./parameterSource.ts";

/** The embedding table's names in the two families of Mamba checkpoints: `transformers` and the original code. */
export const tableNames = {
  hub: "backbone.embeddings.weight",
  original: "backbone.embedding.weight",
} as const;

/**
 * Sources of the parameters of a Mamba-1 model. Core uses the names of `transformers`, so all but the table and the
 * convolution are the same in the file.
 *
 * @param written the table's name in files that are written; both are read
 */
export function mambaSources(config: MambaLMConfig, written: keyof typeof tableNames): ParameterSource[] {
  const read = written === "hub" ? "original" : "hub";
  return parameterSpecs(config).map((spec) => {
    if (spec.name === tableNames.hub)
      return { spec, chunks: [{ names: [tableNames[written], tableNames[read]], shapes: [spec.shape] }] };
    return blockSource(spec);
  });
}

/**
 * The source of a parameter of a stack. PyTorch's grouped convolution has a channel axis: [E, K] is [E, 1, K] in the file. MLX has it
 * last: [E, K, 1].
 */
export function blockSource(spec: ParameterSpec): ParameterSource {
  if (!/\.conv1d(_b)?\.weight$/.test(spec.name)) return sameInFile(spec);
  const [channels = 0, width = 0] = spec.shape;
  return {
    spec,
    chunks: [{ names: [spec.name], shapes: [[channels, 1, width], spec.shape, [channels, width, 1]] }],
  };
}

/** A head beside a tied table is a copy of the table, which `transformers` does not read either. */
export function unusedHead({ tieEmbeddings }: LMConfig): ReadonlyMap<string, string> {
  return new Map(
    tieEmbeddings ? [["lm_head.weight", "the config ties the head to the embedding table"]] : [],
  );
}
