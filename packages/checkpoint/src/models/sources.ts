import { type SequenceConfig, sequenceSpecs, type VisionConfig, visionSpecs } from "@mamba/core";
import { blockSource } from "../architectures/mambaParameters.ts";
import type { ParameterSource } from "../architectures/parameterSource.ts";

/** Sources of the parameters of a `SequenceModel`: as in a Mamba checkpoint. */
export function sequenceSources(config: SequenceConfig): ParameterSource[] {
  return sequenceSpecs(config).map((spec) => blockSource(spec));
}

/** Sources of the parameters of a `VisionMamba`: the shapes of the official checkpoints, which have axes of their own for a batch. */
export function visionSources(config: VisionConfig): ParameterSource[] {
  const { channels, patchSize: p, dModel } = config;
  return visionSpecs(config).map((spec): ParameterSource => {
    const { name, shape } = spec;
    if (name === "cls_token" || name === "pos_embed") {
      const [rows = 1, width = 1] = name === "cls_token" ? [1, ...shape] : shape;
      return { spec, chunks: [{ names: [name], shapes: [[1, rows, width], shape] }] };
    }
    if (name === "patch_embed.proj.weight") {
      const order = channelsLast(channels, p);
      return { spec, chunks: [{ names: [name], shapes: [[dModel, channels, p, p]], order }] };
    }
    return blockSource(spec);
  });
}

/** The numbers of a patch [p, p, C] by their places in one of a convolution, [C, p, p]. */
function channelsLast(channels: number, p: number): Int32Array {
  return Int32Array.from({ length: p * p * channels }, (_, i) => {
    const channel = i % channels;
    return channel * p * p + (i - channel) / channels;
  });
}
