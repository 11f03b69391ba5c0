import { withDropout } from "../../layers/dropout.ts";
import { blockConfig } from "../../layers/mambaConfig.ts";
import { type StackSpec, stackParameters } from "../../layers/stack.ts";
import { type Init, type ParameterSpec, smallParameter } from "../../parameters/spec.ts";
import { bidirectionalStack } from "../bidirectionalStack.ts";
import { headSpecs } from "../head.ts";
import { patchGrid, type VisionConfig } from "./config.ts";

/** The bidirectional stack of a Vision Mamba, with its dropout. */
export function visionStack(config: VisionConfig): StackSpec {
  const { divideOutput, dropout } = config;
  return withDropout(bidirectionalStack(blockConfig(config), { divideOutput }), dropout);
}

/** Parameters of a `VisionMamba`, under the names of the official checkpoints and in their order. */
export function visionSpecs(config: VisionConfig): ParameterSpec[] {
  const { channels, patchSize, pooling, dModel, classes } = config;
  const [rows, columns] = patchGrid(config);
  const hasToken = pooling === "class";
  const normal: Init = { kind: "normal", std: config.initializerRange };
  const fanIn = patchSize * patchSize * channels;
  return [
    ...(hasToken ? [smallParameter("cls_token", [dModel], normal)] : []),
    smallParameter("pos_embed", [rows * columns + (hasToken ? 1 : 0), dModel], normal),
    {
      name: "patch_embed.proj.weight",
      shape: [dModel, fanIn],
      init: { kind: "normal", std: fanIn ** -0.5 }, // LeCun et al. 1998, as in the official code
      weightDecay: true,
      lrScale: 1,
      storage: "any",
    },
    smallParameter("patch_embed.proj.bias", [dModel], { kind: "constant", value: 0 }),
    ...stackParameters(visionStack(config)),
    ...headSpecs(config, classes),
  ];
}
