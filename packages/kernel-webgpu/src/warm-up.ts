import { type FloatDType, KernelError } from "@mamba/kernel";
import { addShader } from "./ops/add.ts";
import { argmaxShader } from "./ops/argmax.ts";
import { causalConv1dShader } from "./ops/causalConv1d.ts";
import { causalConv1dStepShader } from "./ops/causalConv1dStep.ts";
import { embeddingShaders } from "./ops/embedding.ts";
import { mulShader } from "./ops/mul.ts";
import { negExpShader } from "./ops/negExp.ts";
import { productShader } from "./ops/product.ts";
import { repetitionPenaltyShader } from "./ops/repetitionPenalty.ts";
import { rmsNormShader } from "./ops/rmsNorm.ts";
import { sampleShader } from "./ops/sample.ts";
import { scaleShader } from "./ops/scale.ts";
import { scanCarryShader, scanSpansShader, selectiveScanShader } from "./ops/scanShaders.ts";
import { selectiveStateUpdateShader } from "./ops/selectiveStateUpdate.ts";
import { siluShader } from "./ops/silu.ts";
import type { Pipelines } from "./pipelines.ts";
import type { Shader } from "./shader.ts";
import type { Traits } from "./traits.ts";

/** What to compile ahead of its first use. */
export interface WarmUpOptions {
  /** State size N of the model. Default 16. */
  readonly stateSize?: number | undefined;
  /** Storage types of its weights. Default: all. */
  readonly weights?: readonly FloatDType[] | undefined;
  /** Hears after each shader how many are done. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** The shaders that reading a prompt and decoding one sequence take. */
function inferenceShaders(traits: Traits, stateSize: number, weights: readonly FloatDType[]): Shader[] {
  const { subgroups } = traits;
  return [
    ...weights.flatMap((dtype) => [
      embeddingShaders[dtype],
      productShader(traits, "forward", dtype, true, 1).shader,
      productShader(traits, "forward", dtype, true, 512).shader,
    ]),
    ...[
      rmsNormShader(subgroups),
      causalConv1dShader,
      causalConv1dStepShader,
      addShader,
      mulShader,
      scaleShader,
    ],
    ...[siluShader, negExpShader, selectiveScanShader(stateSize), selectiveStateUpdateShader],
    ...[scanSpansShader(stateSize), scanCarryShader],
    ...[argmaxShader(subgroups), sampleShader(subgroups), repetitionPenaltyShader],
  ];
}

/** Compiles without blocking the thread. @throws KernelError `DRIVER`, naming the shader */
export async function warmUp(
  { pipelines, traits }: { readonly pipelines: Pipelines; readonly traits: Traits },
  options: WarmUpOptions,
): Promise<void> {
  const { stateSize = 16, weights = ["f32", "f16", "bf16"], onProgress } = options;
  const shaders = inferenceShaders(traits, stateSize, weights);
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
