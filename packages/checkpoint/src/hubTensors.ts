import type { LMConfig, ParameterSpec } from "@mamba/core";
import type { ChunkedTensorToWrite } from "@mamba/core/safetensors";
import type { FloatDType } from "@mamba/kernel";
import { architectureFor, type ConfigFormat } from "./architectures/index.ts";
import { wholeValues } from "./parameters/values.ts";
import { safetensorsToWrite } from "./parameters/weightsToWrite.ts";

/** Options of `hubTensors`. */
export interface HubTensorOptions {
  /** Type of the large matrices; all other tensors are f32. */
  readonly dtype: FloatDType;
  /** Form of the names of tensors. Default: that of `hubConfig`. */
  readonly format?: ConfigFormat | undefined;
  /** The values of a parameter. Called once for each tensor that holds some of them, such as that of each expert. */
  readonly values: (spec: ParameterSpec) => Float32Array | Promise<Float32Array>;
}

/**
 * The tensors of a safetensors file that holds a model, under the names and in the shapes that go with `hubConfig`. Values are asked for
 * when the chunks of a tensor are.
 *
 * @throws CheckpointError `UNSUPPORTED_MODEL` when the format cannot describe the model; the chunks throw `NON_FINITE`
 */
export function hubTensors(
  config: LMConfig,
  { dtype, format, values }: HubTensorOptions,
): ChunkedTensorToWrite[] {
  const sources = architectureFor(config, format).sources(config);
  const valuesOf = (spec: ParameterSpec) => wholeValues(spec, "f32", async () => values(spec));
  return safetensorsToWrite(sources, { dtype, valuesOf }).tensors;
}
