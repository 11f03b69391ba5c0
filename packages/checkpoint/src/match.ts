import { type ParameterSpec, parameterSpecs, type MambaLMConfig } from "@mamba/core";
import type { FloatDType } from "@mamba/kernel";
import { CheckpointError, show } from "./errors.ts";
import { kernelDTypes } from "./safetensors/header.ts";
import { type LocatedTensor, sameShape, type Weights } from "./weights.ts";

/** A parameter of the model, and the stored tensor that fills it. */
export interface MatchedParameter {
  readonly spec: ParameterSpec;
  readonly tensor: LocatedTensor;
  readonly dtype: FloatDType;
}

/**
 * Finds a stored tensor for every parameter. Names are those of the Hugging Face checkpoints; the original table is
 * `backbone.embedding.weight`, and files hold the convolution as [E, 1, K]. A head beside a tied table is left unread,
 * as `transformers` leaves it; `notes` says so.
 *
 * @throws CheckpointError `MISSING_TENSOR`, `EXTRA_TENSOR`, `TENSOR_SHAPE`, `DTYPE`
 */
export function matchParameters(
  config: MambaLMConfig,
  { tensors }: Weights,
  label: string,
): { parameters: MatchedParameter[]; notes: string[] } {
  const { parameters, unused } = match(parameterSpecs(config), tensors, label, (name) => [
    name,
    ...(aliases[name] ?? []),
  ]);
  const notes: string[] = [];
  if (config.tieEmbeddings && unused.delete("lm_head.weight")) {
    notes.push(
      "the file holds lm_head.weight, but the config ties the head to the embedding table: it was not read",
    );
  }
  refuseUnused(unused, label);
  return { parameters, notes };
}

/**
 * Finds a stored tensor for every parameter of an adapter, named as PEFT names them: behind `prefix`.
 *
 * @throws CheckpointError `MISSING_TENSOR`, `EXTRA_TENSOR`, `TENSOR_SHAPE`, `DTYPE`
 */
export function matchAdapter(
  specs: readonly ParameterSpec[],
  { tensors }: Weights,
  label: string,
  prefix: string,
): MatchedParameter[] {
  const { parameters, unused } = match(specs, tensors, label, (name) => [prefix + name]);
  refuseUnused(unused, label);
  return parameters;
}

/** `namesOf` gives the names that a parameter may be stored under, the usual one first. */
function match(
  specs: readonly ParameterSpec[],
  tensors: Weights["tensors"],
  label: string,
  namesOf: (name: string) => readonly string[],
): { parameters: MatchedParameter[]; unused: Set<string> } {
  const unused = new Set(tensors.keys());
  const parameters = specs.map((spec) => {
    const names = namesOf(spec.name);
    const tensor = names.map((name) => tensors.get(name)).find(Boolean);
    if (!tensor) {
      const shape = show(spec.shape);
      throw new CheckpointError(
        "MISSING_TENSOR",
        `${label}: the config asks for ${names[0]} ${shape}, which is missing`,
      );
    }
    unused.delete(tensor.name);
    return { spec, tensor, dtype: check(spec, tensor, label) };
  });
  return { parameters, unused };
}

function refuseUnused(unused: ReadonlySet<string>, label: string): void {
  const [extra] = unused;
  if (extra !== undefined) {
    const more = unused.size > 1 ? ` (and ${unused.size - 1} more)` : "";
    throw new CheckpointError(
      "EXTRA_TENSOR",
      `${label}: the config has no place for the tensor ${show(extra)}${more}`,
    );
  }
}

const aliases: Readonly<Record<string, readonly string[]>> = {
  "backbone.embeddings.weight": ["backbone.embedding.weight"],
};

function check(spec: ParameterSpec, tensor: LocatedTensor, label: string): FloatDType {
  const [rows = 0, ...columns] = spec.shape;
  const isConv = spec.name.endsWith("conv1d.weight");
  if (!sameShape(tensor.shape, spec.shape) && !(isConv && sameShape(tensor.shape, [rows, 1, ...columns]))) {
    const message = `${label}: ${show(tensor.name)} must be ${show(spec.shape)} by the config, got ${show(tensor.shape)}`;
    throw new CheckpointError("TENSOR_SHAPE", message);
  }
  const dtype = kernelDTypes[tensor.dtype];
  if (dtype === undefined || dtype === "i32") {
    const message = `${label}: ${show(tensor.name)} is ${tensor.dtype}, models are loaded from F32, F16 and BF16`;
    throw new CheckpointError("DTYPE", message);
  }
  return dtype;
}
