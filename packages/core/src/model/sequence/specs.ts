import { blockConfig } from "../../layers/mambaConfig.ts";
import { type StackSpec, stackParameters } from "../../layers/stack.ts";
import { withDropout } from "../../layers/dropout.ts";
import { type Init, type ParameterSpec, smallParameter } from "../../parameters/spec.ts";
import { bidirectionalStack } from "../bidirectionalStack.ts";
import { headSpecs } from "../head.ts";
import { mambaStack } from "../specs.ts";
import type { SequenceConfig } from "./config.ts";

/** The stack of a sequence model, with its dropout. */
export function sequenceStack(config: SequenceConfig): StackSpec {
  return withDropout(config.stack ?? equalLayers(config), config.dropout);
}

function equalLayers(config: SequenceConfig): StackSpec {
  const { direction, divideOutput } = config;
  const block = blockConfig(config);
  return direction === "causal" ? mambaStack(block) : bidirectionalStack(block, { divideOutput });
}

/** Parameters of a `SequenceModel`, in the order in which checkpoints store them. */
export function sequenceSpecs(config: SequenceConfig): ParameterSpec[] {
  const { input, dModel, outputs } = config;
  const ends = { weightDecay: true, lrScale: 1, storage: "any" } as const;
  const normal: Init = { kind: "normal", std: config.initializerRange };
  const first: ParameterSpec[] =
    input.kind === "tokens"
      ? [{ ...ends, name: "backbone.embeddings.weight", shape: [input.vocabSize, dModel], init: normal }]
      : [
          // PyTorch's linear layers start so: the scale of the embedded input does not depend on the number of channels.
          {
            ...ends,
            name: "input_proj.weight",
            shape: [dModel, input.channels],
            init: { kind: "uniform", bound: input.channels ** -0.5 },
          },
          smallParameter("input_proj.bias", [dModel], { kind: "constant", value: 0 }),
        ];
  return [...first, ...stackParameters(sequenceStack(config), "backbone."), ...headSpecs(config, outputs)];
}
