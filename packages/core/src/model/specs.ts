import { mamba } from "../layers/mamba.ts";
import { type MambaConfig, parametrization } from "../layers/mambaConfig.ts";
import { type StackSpec, stackParameters } from "../layers/stack.ts";
import type { Init, ParameterSpec } from "../parameters/spec.ts";
import { isHybrid, type LMConfig, paddedVocabSize } from "./config.ts";

/** The Mamba stack of a config: `nLayers` equal layers of one Mamba block each. */
export function mambaStack(config: MambaConfig): StackSpec {
  const layer = { mixer: mamba(config) };
  return {
    dModel: config.dModel,
    norm: { eps: config.rmsNormEps, gain: parametrization(config).normGains },
    layers: Array.from({ length: config.nLayers }, () => layer),
  };
}

/** The stack of a language model. */
export function stackOf(config: LMConfig): StackSpec {
  if (!isHybrid(config)) return mambaStack(config);
  const { dModel, rmsNormEps, layers, finalNorm } = config;
  return { dModel, norm: { eps: rmsNormEps, gain: true }, layers, finalNorm };
}

/** Parameters of a `MambaLM`, in the order in which checkpoints store them. */
export function parameterSpecs(config: LMConfig): ParameterSpec[] {
  const table: Omit<ParameterSpec, "name"> = {
    shape: [paddedVocabSize(config), config.dModel],
    init: { kind: "normal", std: config.initializerRange },
    weightDecay: true,
    lrScale: 1,
    storage: "any",
  };
  const startsAtZero = !isHybrid(config) && parametrization(config).zeroStart;
  const headInit: Init = startsAtZero ? { kind: "constant", value: 0 } : table.init;
  return [
    { ...table, name: "backbone.embeddings.weight" },
    ...stackParameters(stackOf(config), "backbone."),
    ...(config.tieEmbeddings ? [] : [{ ...table, name: "lm_head.weight", init: headInit }]),
  ];
}
