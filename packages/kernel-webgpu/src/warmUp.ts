import { KernelError, type WeightDType } from "@mamba/kernel";
import type { Pipelines } from "./commands/pipelines.ts";
import type { Traits } from "./device/traits.ts";
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

/** Selects the shaders that `warmUp` compiles. */
export interface WarmUpOptions {
  /** State size N of the model. Default 16. */
  readonly stateSize?: number | undefined;
  /** Storage types of its weights. Default: all float types. */
  readonly weights?: readonly WeightDType[] | undefined;
  /** Called after each shader with the number compiled so far. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** The shaders that read a prompt and decode one sequence. */
function inferenceShaders(traits: Traits, stateSize: number, weights: readonly WeightDType[]): Shader[] {
  const { subgroups } = traits;
  return [
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
    negExpShader,
    selectiveScanShader(stateSize, false),
    scanChunkEndsShader(stateSize, false),
    scanCarryShader(false),
    selectiveStateUpdateShader,
    argmaxShader(subgroups),
    sampleShader(subgroups),
  ];
}

/** Compiles the shaders of inference without blocking the thread. @throws KernelError `DRIVER`, naming the shader */
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
