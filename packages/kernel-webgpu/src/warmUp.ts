import { KernelError, type WeightDType } from "@mamba/kernel";
import type { Pipelines } from "./commands/pipelines.ts";
import type { Traits } from "./device/traits.ts";
import {
  attentionRowsShader,
  attentionSplitsShader,
  attentionTilesShader,
} from "./attention/forwardShaders.ts";
import { expertGemv } from "./experts/gemvShader.ts";
import { expertCountsShader, expertOrderShader } from "./experts/groupShaders.ts";
import { routeExpertsShader } from "./experts/routeShaders.ts";
import { expertTilesShader } from "./experts/tileShaders.ts";
import { cacheShader } from "./ops/cachedAttention.ts";
import { combineExpertsShader } from "./ops/combineExperts.ts";
import { discretizeShader } from "./ops/discretize.ts";
import { gatedRmsNormShader } from "./ops/gatedRmsNorm.ts";
import { reluSquaredShader } from "./ops/reluSquared.ts";
import { rotaryShader } from "./ops/rotary.ts";
import { ssdStateUpdateShader } from "./ops/ssdStateUpdate.ts";
import { ssdOutputShader, ssdProductsShader } from "./ssd/outputShaders.ts";
import { ssdPlanShader } from "./ssd/planShader.ts";
import { ssdCarryShader, ssdChunkStatesShader } from "./ssd/stateShaders.ts";
import { weightKindOf } from "./wgsl/weights.ts";
import { addShaders } from "./ops/add.ts";
import { argmaxShader } from "./ops/argmax.ts";
import { causalConv1dShader } from "./ops/causalConv1d.ts";
import { causalConv1dStepShader } from "./ops/causalConv1dStep.ts";
import { embeddingShader } from "./ops/embedding.ts";
import { mulShaders } from "./ops/mul.ts";
import { negExpShader } from "./ops/negExp.ts";
import { rmsNormShader } from "./ops/rmsNorm.ts";
import { sampleShader } from "./ops/sample.ts";
import { scaleShader } from "./ops/scale.ts";
import { selectiveStateUpdateShader } from "./ops/selectiveStateUpdate.ts";
import { siluShader } from "./ops/silu.ts";
import { productShader } from "./products/product.ts";
import { scanCarryShader, scanChunkEndsShader, selectiveScanShader } from "./scan/forwardShaders.ts";
import type { Shader } from "./shader.ts";

/** A part of the layers of a model, besides norms and linear layers. */
export type WarmUpPart = "mamba" | "mamba2" | "attention" | "experts";

/** Selects the shaders that `warmUp` compiles. */
export interface WarmUpOptions {
  /** Parts of the model's layers. Default: "mamba" alone. */
  readonly parts?: readonly WarmUpPart[] | undefined;
  /** State size N of "mamba". Default 16. */
  readonly stateSize?: number | undefined;
  /** Storage types of its weights. Default: all float types. */
  readonly weights?: readonly WeightDType[] | undefined;
  /** Called after each shader with the number compiled so far. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

interface Chosen {
  readonly stateSize: number;
  readonly weights: readonly WeightDType[];
}

/** The shaders of each part. */
const partShaders: Readonly<Record<WarmUpPart, (traits: Traits, chosen: Chosen) => Shader[]>> = {
  mamba: (_, { stateSize }) => [
    selectiveScanShader(stateSize, false),
    scanChunkEndsShader(stateSize, false),
    scanCarryShader(false),
    selectiveStateUpdateShader,
    negExpShader,
  ],
  mamba2: ({ parallel }) => [
    discretizeShader,
    ssdPlanShader,
    ssdProductsShader(parallel),
    ssdChunkStatesShader(parallel),
    ssdCarryShader,
    ssdOutputShader(false, parallel),
    ssdStateUpdateShader(parallel),
    gatedRmsNormShader,
    negExpShader,
  ],
  attention: ({ parallel }) => [
    rotaryShader,
    cacheShader,
    ...(parallel ? [attentionTilesShader, attentionSplitsShader] : [attentionRowsShader]),
  ],
  experts: (traits, { weights }) => {
    const kinds = weights.map((dtype) => weightKindOf(dtype, traits));
    const sorted = [expertCountsShader, expertOrderShader, ...kinds.map((kind) => expertTilesShader(kind))];
    return [
      routeExpertsShader,
      combineExpertsShader,
      ...kinds.map((kind) => expertGemv(traits, kind, true).shader),
      ...(traits.parallel && !traits.batchInvariant ? sorted : []),
    ];
  },
};

/** The shaders that read a prompt and decode one sequence. */
function inferenceShaders(traits: Traits, parts: readonly WarmUpPart[], chosen: Chosen): Shader[] {
  const { subgroups } = traits;
  const { weights } = chosen;
  const shaders: Shader[] = [
    ...weights.flatMap((dtype) => [
      embeddingShader(dtype),
      productShader(traits, "forward", dtype, true, 1).shader,
      productShader(traits, "forward", dtype, true, 512).shader,
    ]),
    rmsNormShader(subgroups),
    causalConv1dShader(false),
    causalConv1dStepShader,
    addShaders.same,
    mulShaders.same,
    scaleShader,
    siluShader,
    reluSquaredShader,
    argmaxShader(subgroups),
    sampleShader(subgroups),
    ...parts.flatMap((part) => partShaders[part](traits, chosen)),
  ];
  return [...new Set(shaders)];
}

/** Compiles the shaders of inference without blocking the thread. @throws KernelError `DRIVER`, naming the shader */
export async function warmUp(
  { pipelines, traits }: { readonly pipelines: Pipelines; readonly traits: Traits },
  options: WarmUpOptions,
): Promise<void> {
  const { parts = ["mamba"], stateSize = 16, weights = ["f32", "f16", "bf16"], onProgress } = options;
  const shaders = inferenceShaders(traits, parts, { stateSize, weights });
  let done = 0;
  await Promise.all(
    shaders.map(async (shader) => {
      try {
        await pipelines.compileAsync(shader);
      } catch (cause) {
        const message = cause instanceof Error ? cause.message : String(cause);
        throw new KernelError("DRIVER", `warmUp: shader ${shader.name}: ${message}`, { cause });
      }
      onProgress?.(++done, shaders.length);
    }),
  );
}
