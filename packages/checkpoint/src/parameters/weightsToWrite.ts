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
import type { FloatDType, HostArray, WeightDType } from "@mamba/kernel";
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
  const valuesOf = valuesToWrite(model, mode);
  const [matrixType = "f32"] = sources
    .filter(({ spec }) => spec.storage === "any")
    .map(({ spec }) => dtype ?? storageOf(valuesOf(spec), spec.name))
    .slice(-1);
  return { tensors: tensorsToWrite(sources, dtype, valuesOf), matrixType };
}

/**
 * The values of a model's parameters, as they are written: with its adapter merged into them, when `mode` says so.
 *
 * @throws CheckpointError `ADAPTER`; MambaError `PARAMETER` when the adapter cannot be merged
 */
export function valuesToWrite(
  model: Model<object>,
  mode: WeightOptions["adapter"],
): (spec: ParameterSpec) => ParameterValues {
  const { kernel, parameters } = model;
  const adapter = adapterToMerge(model, mode);
  return ({ name }) => {
    const tensor = parameter(parameters, name);
    if (adapter?.updateOf(moduleName(name)))
      return {
        dtype: "f32",
        storedAs: tensor.dtype as WeightDType,
        read: () => mergedWeight(model, name, adapter),
      };
    return {
      dtype: tensor.dtype as WeightDType,
      read: async () => (await kernel.read(tensor))[0] as HostArray,
    };
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
