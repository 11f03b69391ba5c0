import {
  checkMergeable,
  type LoraAdapter,
  mergedWeight,
  type Model,
  moduleName,
  parameter,
  type ParameterSpec,
} from "@mamba/core";
import { type ChunkedTensorToWrite, show, toSafetensorsDType } from "@mamba/core/safetensors";
import type { FloatDType, HostArray, WeightDType } from "@mamba/kernel";
import type { ParameterSource } from "../architectures/parameterSource.ts";
import { CheckpointError } from "../errors.ts";
import { type ValuesOf, wholeValues } from "./values.ts";
import { storageOf, tensorsToWrite, type WriteRules } from "./write.ts";

/** Options of every function that saves a model. */
export interface WeightOptions {
  /** Round the large matrices to this type. Default: as the kernel stores them. All other tensors are written as f32. */
  readonly dtype?: FloatDType | undefined;
  /**
   * Required when the model has an adapter attached: "merge" writes the weights with the adapter added to them, and leaves the
   * model as it is; "omit" writes the model's own weights alone, to save the adapter with `saveAdapter`.
   */
  readonly adapter?: "merge" | "omit" | undefined;
}

/** Choices for the weights of a safetensors file. */
export interface SafetensorsRules extends Omit<WriteRules, "typeOf"> {
  /** Type of the large matrices. Default: as their values have it. Everything else is written as f32. */
  readonly dtype: FloatDType | undefined;
}

/**
 * The tensors of a safetensors file that holds a model's weights, and the type of its large matrices.
 *
 * @throws CheckpointError `DTYPE` when the values are quantised and `dtype` is not given
 */
export function safetensorsToWrite(
  sources: readonly ParameterSource[],
  { dtype, ...rules }: SafetensorsRules,
): { readonly tensors: ChunkedTensorToWrite[]; readonly matrixType: FloatDType } {
  const typeOf = (spec: ParameterSpec) =>
    spec.storage === "any" ? (dtype ?? storageOf(rules.valuesOf(spec), spec.name)) : "f32";
  const [matrixType = "f32"] = sources
    .filter(({ spec }) => spec.storage === "any")
    .map(({ spec }) => typeOf(spec))
    .slice(-1);
  const tensors = tensorsToWrite(sources, { ...rules, typeOf: (_, spec) => typeOf(spec) });
  return {
    tensors: tensors.map((tensor) => ({ ...tensor, dtype: toSafetensorsDType(tensor.dtype as FloatDType) })),
    matrixType,
  };
}

/**
 * The values of a model's parameters, as they are written: with its adapter merged into them, when `mode` says so.
 *
 * @throws CheckpointError `ADAPTER`; MambaError `PARAMETER` when the adapter cannot be merged
 */
export function valuesToWrite(model: Model<object>, mode: WeightOptions["adapter"]): ValuesOf {
  const { kernel, parameters } = model;
  const adapter = adapterToMerge(model, mode);
  return (spec) => {
    const tensor = parameter(parameters, spec.name);
    const dtype = tensor.dtype as WeightDType;
    if (adapter?.updateOf(moduleName(spec.name))) {
      const merged = () => mergedWeight(model, spec.name, adapter);
      return { ...wholeValues(spec, "f32", merged), storedAs: dtype };
    }
    return wholeValues(spec, dtype, async () => (await kernel.read(tensor))[0] as HostArray);
  };
}

/** @throws CheckpointError `ADAPTER` when an adapter is attached and `mode` does not say what becomes of it */
function adapterToMerge(model: Model<object>, mode: "merge" | "omit" | undefined): LoraAdapter | undefined {
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
