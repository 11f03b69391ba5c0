import { show } from "@mamba/core/safetensors";
import type { LocatedTensor, Weights } from "./weights.ts";

/** Wrappers around a whole model: a training class, data parallelism, `torch.compile`. */
const outer = /^(?:(?:model|module|_orig_mod|_fsdp_wrapped_module)\.)+/;
/** Wrappers that PyTorch puts around single modules. */
const inner = /(^|\.)(?:(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.)+/g;
/** Names in a backbone that was saved alone, by the prefix that the whole model has for it. */
const inBackbone = {
  "backbone.": /^(?:embeddings?|norm_f|layers\.\d+)\./,
  "model.": /^(?:embed_tokens|norm|final_layernorm|layers\.\d+)\./,
};

/**
 * Weights under the names that the model's classes give them. Training programs save models inside of wrappers
 * (`module.backbone.…`), or the backbone alone; the keys of the result are then the usual names, and a note says what was
 * read. Tensors whose usual name is taken keep their own.
 *
 * @param backbone prefix of the names in a backbone; "" for a model that has none
 */
export function canonicalNames(
  { files, tensors }: Weights,
  backbone: keyof typeof inBackbone | "" = "backbone.",
): { weights: Weights; notes: string[] } {
  const renamed = new Map<string, LocatedTensor>();
  const changed: [from: string, to: string][] = [];
  for (const [name, tensor] of tensors) {
    const usual = canonicalName(name, backbone);
    const isFree = usual !== name && !tensors.has(usual) && !renamed.has(usual);
    renamed.set(isFree ? usual : name, tensor);
    if (isFree) changed.push([name, usual]);
  }
  const [first] = changed;
  if (first === undefined) return { weights: { files, tensors }, notes: [] };
  const [from, to] = first;
  const more = changed.length > 1 ? ` and ${changed.length - 1} more` : "";
  const note = `the names of the file are not the usual ones: ${show(from)} was read as ${show(to)}${more}`;
  return { weights: { files, tensors: renamed }, notes: [note] };
}

function canonicalName(name: string, backbone: keyof typeof inBackbone | ""): string {
  const bare = name.replace(inner, "$1").replace(outer, "");
  return inBackbone[backbone || "backbone."].test(bare) ? backbone + bare : bare;
}
