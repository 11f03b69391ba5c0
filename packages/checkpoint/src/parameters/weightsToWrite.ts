import {
  checkMergeable,
  type LoraAdapter,
  mergedWeight,
  type Model,
  moduleName,
  parameter,
  type ParameterSpec,
} from "@mamba/core";
import { show, type TensorToWrite } from "@mamba/core/safetensors";
import type { FloatDType, HostArray } from "@mamba/kernel";
import type { ParameterSource } from "../architectures/parameterSource.ts";
import { CheckpointError } from "../errors.ts";
import { type ParameterValues, storageOf, tensorsToWrite } from "./write.ts";

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

/**
 * The tensors of a file that holds a model's weights, and the type of its large matrices.
 *
 * @throws CheckpointError `ADAPTER`; MambaError `PARAMETER` when the adapter cannot be merged
 */
export function weightsToWrite(
  model: Model<object>,
  sources: readonly ParameterSource[],
  { dtype, adapter: mode }: WeightOptions,
): { readonly tensors: TensorToWrite[]; readonly matrixType: FloatDType } {
  const { kernel, parameters } = model;
  const adapter = adapterToMerge(model, mode);
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
  const [matrixType = "f32"] = sources
    .filter(({ spec }) => spec.storage === "any")
    .map(({ spec }) => dtype ?? storageOf(valuesOf(spec)))
    .slice(-1);
  return { tensors: tensorsToWrite(sources, dtype, valuesOf), matrixType };
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
