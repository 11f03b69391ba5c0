import {
  initialValues,
  MambaLM,
  paddedVocabSize,
  parameterSpecs,
  resolveLMConfig,
  type Init,
  type MambaLMConfig,
  type ParameterSpec,
} from "@mamba/core";
import {
  byteLength,
  isQuantized,
  lastExtent,
  Scope,
  type Kernel,
  type Tensor,
  type WeightDType,
} from "@mamba/kernel";
import { fallbackType } from "@mamba/kernel/quantize";
import type { BenchmarkCase } from "../benchmarkCase.ts";
import { presets, type PresetName } from "../presets.ts";
import { randomIds, randomTensor } from "../randomTensor.ts";
import { blockFlops, residualFlops } from "./flops.ts";

const configOf = (preset: PresetName): MambaLMConfig => resolveLMConfig(presets[preset]);

/**
 * The type of a parameter when the weights are of type `dtype`. The types of quantised weights are those of files that llama.cpp
 * writes: the table, which is also the head, gets 6 bits with 4-bit and 5-bit types, and rows that are no whole blocks get a larger
 * type.
 */
function storageOf({ name, shape, storage }: ParameterSpec, dtype: WeightDType): WeightDType {
  if (storage !== "any") return "f32";
  if (!isQuantized(dtype)) return dtype;
  const isTable = name === "backbone.embeddings.weight" || name === "lm_head.weight";
  return fallbackType(isTable && dtype !== "q8_0" ? "q6_k" : dtype, lastExtent(shape));
}

/** A model with random weights, made in the kernel's memory. They are uniform instead of normal, which costs the same. */
export function randomModel(kernel: Kernel, preset: PresetName, dtype: WeightDType, scope: Scope): MambaLM {
  const config = configOf(preset);
  using made = new Scope();
  const parameters = new Map<string, Tensor>();
  for (const spec of parameterSpecs(config)) {
    const { name, shape, storage, init } = spec;
    const type = storageOf(spec, dtype);
    const tensor =
      storage === "any"
        ? randomTensor(kernel, made, shape, type, boundOf(init))
        : made.use(kernel.upload(initialValues(spec, 0), shape, "f32"));
    parameters.set(name, tensor);
  }
  const model = scope.use(new MambaLM(kernel, config, parameters));
  for (const tensor of parameters.values()) made.release(tensor);
  return model;
}

function boundOf(init: Init): number {
  if (init.kind === "normal") return init.std * Math.sqrt(3); // the same variance
  if (init.kind === "uniform") return init.bound;
  throw new RangeError(
    `randomModel: expected matrices that start at random, got the start value ${init.kind}`,
  );
}

/** Bytes of all weights. */
function weightBytes(config: MambaLMConfig, dtype: WeightDType): number {
  return parameterSpecs(config).reduce(
    (sum, spec) => sum + byteLength(storageOf(spec, dtype), spec.shape),
    0,
  );
}

/** Operations of one token in all layers, without its logits. */
const tokenFlops = (config: MambaLMConfig) =>
  config.nLayers * (blockFlops(config).forward + residualFlops(config).forward);
const headFlops = (config: MambaLMConfig) => 2 * paddedVocabSize(config) * config.dModel;

/** Bytes of one row's state that a step reads and writes. */
const stateBytes = ({ nLayers, dInner, dState, dConv }: MambaLMConfig) =>
  2 * 4 * nLayers * dInner * (dState + dConv - 1);

/** Reads a prompt of `length` tokens, for the logits of its last. */
export function prefillCase(preset: PresetName, dtype: WeightDType, length: number): BenchmarkCase {
  const config = configOf(preset);
  return {
    name: `${preset} prefill L=${length}`,
    dtype,
    bytes: weightBytes(config, dtype),
    flops: length * tokenFlops(config) + headFlops(config),
    tokens: length,
    prepare(kernel, scope) {
      const model = modelOf(kernel, preset, dtype, scope);
      const ids = scope.use(kernel.upload(randomIds(length), [1, length], "i32"));
      const state = scope.use(model.createState(1));
      return () => model.forward(ids, { state, logits: "last" }).dispose();
    },
  };
}

/** One token for each of `batch` rows, greedily. */
export function decodeCase(preset: PresetName, dtype: WeightDType, batch: number): BenchmarkCase {
  const config = configOf(preset);
  return {
    name: `${preset} decode B=${batch}`,
    dtype,
    bytes: weightBytes(config, dtype) + batch * stateBytes(config),
    flops: batch * (tokenFlops(config) + headFlops(config)),
    tokens: batch,
    prepare(kernel, scope) {
      const model = modelOf(kernel, preset, dtype, scope);
      const state = scope.use(model.createState(batch));
      const rows = Array.from({ length: batch }, () => ({ temperature: 0, uniform: 0 }));
      let last = randomIds(batch);
      // Greedy generation reads each token back to the host and uploads it again.
      return async () => {
        using ids = kernel.upload(last, [batch], "i32");
        using logits = model.step(ids, state);
        using next = kernel.sample({ logits, rows }).ids;
        const [data] = await kernel.read(next);
        last = data as Int32Array;
      };
    },
  };
}

/** The cases of one kernel share its model, because every kernel of a benchmark has one preset in one storage type. */
const models = new WeakMap<Kernel, MambaLM>();

function modelOf(kernel: Kernel, preset: PresetName, dtype: WeightDType, scope: Scope): MambaLM {
  const model = models.get(kernel) ?? randomModel(kernel, preset, dtype, scope);
  models.set(kernel, model);
  return model;
}

/** Whole models, in the order of the report. */
export const modelCases: readonly BenchmarkCase[] = (["f32", "f16"] as const).flatMap((dtype) => [
  prefillCase("mamba-130m", dtype, 512),
  decodeCase("mamba-130m", dtype, 1),
  decodeCase("mamba-130m", dtype, 8),
]);
