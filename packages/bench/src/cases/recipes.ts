import {
  type MambaConfig,
  type ParameterSpec,
  patchGrid,
  resolveSequenceConfig,
  resolveVisionConfig,
  SequenceModel,
  sequenceSpecs,
  VisionMamba,
  visionSpecs,
} from "@mamba/core";
import { elementCount, type Kernel } from "@mamba/kernel";
import { type ArrayExample, classifier, regressor, type Trainable, Trainer } from "@mamba/train";
import type { BenchmarkCase } from "../benchmarkCase.ts";
import { adamwFlops, stackFlops } from "./flops.ts";

// The optimizer steps of `recipes/digits` and `recipes/weather`, on random numbers.

interface Step<M extends Disposable> {
  readonly name: string;
  readonly config: MambaConfig;
  readonly specs: readonly ParameterSpec[];
  readonly directions: 1 | 2;
  readonly batchSize: number;
  /** Positions of an example within the stack. */
  readonly length: number;
  /** Weights before and after the stack, each with the number of times that an example uses it. */
  readonly input: { readonly weights: number; readonly uses: number };
  readonly head: { readonly weights: number; readonly uses: number };
  readonly init: (kernel: Kernel) => M;
  readonly trainable: (model: M) => Trainable<ArrayExample>;
  readonly example: (index: number) => ArrayExample;
}

/** A whole step: batch, forward with dropout, loss, backward, gradient norm, clipping and AdamW. */
function trainingStep<M extends Disposable>(step: Step<M>): BenchmarkCase {
  const { config, specs, directions, batchSize, length, input, head } = step;
  const parameters = specs.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const perExample =
    length * stackFlops(config, directions) +
    2 * 2 * input.uses * input.weights + // no gradient goes back to the numbers of an example
    3 * 2 * head.uses * head.weights;
  return {
    name: `training step ${step.name} B=${batchSize} L=${length}`,
    dtype: "f32",
    bytes: 4 * parameters * (3 + 4), // forward, backward and AdamW read a parameter; AdamW its moments, and writes all
    flops: batchSize * perExample + adamwFlops * parameters,
    tokens: batchSize * length,
    prepare(kernel, scope) {
      const model = scope.use(step.init(kernel));
      const source = { id: "random numbers", count: undefined, example: step.example };
      const trainer = scope.use(
        new Trainer(step.trainable(model), source, { steps: 2 ** 30, batchSize, schedule: "constant" }),
      );
      return async () => {
        await trainer.advance();
      };
    },
  };
}

/** Numbers from -1 to 1, the same for the same index. */
function numbers(index: number, count: number): Float32Array {
  return Float32Array.from(
    { length: count },
    (_, i) => Math.imul(index * count + i + 1, 2654435761) / 2 ** 31,
  );
}

function digits(): BenchmarkCase {
  const config = resolveVisionConfig({
    ...{ height: 28, width: 28, channels: 1, patchSize: 10, stride: 6, classes: 10 },
    ...{ dModel: 64, nLayers: 4, dState: 16, dropout: 0.1 },
  });
  const { height, width, patchSize, dModel, classes } = config;
  const [rows, columns] = patchGrid(config);
  const patches = rows * columns;
  return trainingStep({
    ...{ name: "digits", config, specs: visionSpecs(config), directions: 2 },
    ...{ batchSize: 64, length: patches + 1 },
    input: { weights: patchSize ** 2 * dModel, uses: patches },
    head: { weights: dModel * classes, uses: 1 },
    init: (kernel) => VisionMamba.init(kernel, config),
    trainable: (model) => classifier(model),
    example: (index) => ({ input: numbers(index, height * width), target: index % classes }),
  });
}

function weather(): BenchmarkCase {
  const [channels, length, outputs] = [6, 56, 14];
  const config = resolveSequenceConfig({
    ...{ input: { kind: "values", channels }, pooling: "none", outputs },
    ...{ dModel: 8, nLayers: 1, dropout: 0.1 },
  });
  return trainingStep({
    ...{ name: "weather", config, specs: sequenceSpecs(config), directions: 1, batchSize: 16, length },
    input: { weights: channels * config.dModel, uses: length },
    head: { weights: config.dModel * outputs, uses: length },
    init: (kernel) => SequenceModel.init(kernel, config),
    trainable: (model) => regressor(model),
    example: (index) => ({
      input: numbers(index, length * channels),
      target: numbers(index, length * outputs),
    }),
  });
}

/** The training steps of the recipes, which `tooling/benchTorch.mjs` compares. */
export const recipeCases: readonly BenchmarkCase[] = [digits(), weather()];
