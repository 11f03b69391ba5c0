import {
  initialValues,
  MambaLM,
  paddedVocabSize,
  parameterSpecs,
  resolveLMConfig,
  type Init,
} from "@mamba/core";
import { dtypeBytes, elementCount, Scope, type FloatDType, type Kernel, type Tensor } from "@mamba/kernel";
import { blockFlops, residualFlops } from "./flops.ts";
import { presets } from "../presets.ts";
import { randomIds, randomTensor, type CaseSpec } from "./spec.ts";

const config = resolveLMConfig(presets["mamba-130m"]);

/** A model of random weights, made in the kernel's memory. Uniform noise stands for the normal one: the work is the same. */
export function randomModel(kernel: Kernel, dtype: FloatDType, scope: Scope): MambaLM {
  using made = new Scope();
  const parameters = new Map<string, Tensor>();
  for (const spec of parameterSpecs(config)) {
    const { name, shape, matrix, init } = spec;
    const tensor = matrix
      ? randomTensor(kernel, made, shape, dtype, boundOf(init))
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
  throw new RangeError(`the matrices of this model start at random, not as ${init.kind}`);
}

/** Bytes of all weights. */
function weightBytes(dtype: FloatDType): number {
  return sumOverWeights((count, matrix) => count * (matrix ? dtypeBytes[dtype] : 4));
}

/** One token through all layers; its logits are extra. */
const tokenFlops = config.nLayers * (blockFlops(config).forward + residualFlops(config).forward);
const headFlops = 2 * paddedVocabSize(config) * config.dModel;

/** What a step reads and writes of one row's state. */
const stateBytes = 2 * 4 * config.nLayers * config.dInner * (config.dState + config.dConv - 1);

function prefill(dtype: FloatDType, length: number): CaseSpec {
  return {
    name: `mamba-130m prefill L=${length}`,
    dtype,
    bytes: weightBytes(dtype),
    flops: length * tokenFlops + headFlops,
    tokens: length,
    prepare(kernel, scope) {
      const model = modelOf(kernel, dtype, scope);
      const ids = scope.use(kernel.upload(randomIds(length), [1, length], "i32"));
      const cache = scope.use(model.createCache(1));
      return () => model.forward(ids, { cache, logits: "last" }).dispose();
    },
  };
}

function decode(dtype: FloatDType, batch: number): CaseSpec {
  return {
    name: `mamba-130m decode B=${batch}`,
    dtype,
    bytes: weightBytes(dtype) + batch * stateBytes,
    flops: batch * (tokenFlops + headFlops),
    tokens: batch,
    prepare(kernel, scope) {
      const model = modelOf(kernel, dtype, scope);
      const cache = scope.use(model.createCache(batch));
      let last = randomIds(batch);
      // As a greedy generation does it: the token comes back to the host and goes in again.
      return async () => {
        using ids = kernel.upload(last, [batch], "i32");
        using logits = model.step(ids, cache);
        using next = kernel.argmax(logits);
        const [data] = await kernel.read(next);
        last = data as Int32Array;
      };
    },
  };
}

/** The cases of one kernel share its model. */
const models = new WeakMap<Kernel, MambaLM>();

function modelOf(kernel: Kernel, dtype: FloatDType, scope: Scope): MambaLM {
  const model = models.get(kernel) ?? randomModel(kernel, dtype, scope);
  models.set(kernel, model);
  return model;
}

function sumOverWeights(of: (count: number, matrix: boolean) => number): number {
  return parameterSpecs(config).reduce((sum, { shape, matrix }) => sum + of(elementCount(shape), matrix), 0);
}

/** Whole models, in the order in which they are shown. */
export const modelSpecs: readonly CaseSpec[] = (["f32", "f16"] as const).flatMap((dtype) => [
  prefill(dtype, 512),
  decode(dtype, 1),
  decode(dtype, 8),
]);
