import type { Opened } from "../load.ts";
import { matchParameters } from "../parameters/match.ts";
import type { CheckpointFiles } from "../sources/source.ts";
import { modelFromGguf } from "./architectures/index.ts";
import { readGgufTokenizer } from "./tokenizer.ts";
import { readGgufWeights } from "./weights.ts";

/**
 * Opens a GGUF model: reads the headers of its files, and checks metadata and tensors against each other.
 *
 * @param shards names of the files, in order
 * @throws CheckpointError `CONFIG`, `UNSUPPORTED_MODEL`, `MISSING_TENSOR`, `EXTRA_TENSOR`, `TENSOR_SHAPE`, `DTYPE`, `INDEX`, and the
 * codes of `openGguf`
 */
export async function openGgufModel(files: CheckpointFiles, shards: readonly string[]): Promise<Opened> {
  const { weights, metadata, name } = await readGgufWeights(files, shards);
  const { architecture, config, fields } = modelFromGguf(metadata, weights.tensors, name);
  const skipped = architecture.skipped?.(fields);
  const unused = [...weights.tensors.keys()].flatMap((tensor): [string, string][] =>
    skipped?.pattern.test(tensor) ? [[tensor, skipped.reason]] : [],
  );
  const sources = architecture.sources(config);
  const { parameters, notes } = matchParameters(sources, weights, files.label, new Map(unused));
  return {
    format: "gguf",
    config,
    weights,
    parameters,
    metadata,
    contextLength: fields.count("context_length"),
    notes,
    readTokenizer: () => readGgufTokenizer(files, metadata, config),
  };
}
