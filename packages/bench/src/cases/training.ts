import {
  MambaBlock,
  MambaLM,
  mambaParameters,
  initialValues,
  parameterSpecs,
  resolveConfig,
  resolveLMConfig,
  Tape,
} from "@mamba/core";
import { elementCount, type Tensor } from "@mamba/kernel";
import { type DataSource, languageModel, Trainer } from "@mamba/train";
import type { BenchmarkCase } from "../benchmarkCase.ts";
import { randomTensor } from "../randomTensor.ts";
import { adamwFlops, blockFlops, stackFlops } from "./flops.ts";
import { recipeCases } from "./recipes.ts";

/** Random bytes; the target of each position is the next byte. */
function bytes(length: number): DataSource {
  return {
    ...{ id: "random bytes", vocabSize: 256, count: undefined },
    example(index) {
      const all = Int32Array.from(
        { length: length + 1 },
        (_, i) => (Math.imul(index * length + i + 1, 2654435761) >>> 9) % 256,
      );
      return { ids: all.subarray(0, length), targets: all.subarray(1) };
    },
  };
}

/** A whole optimizer step of a small model: batch, forward, loss, backward, gradient norm, clipping and AdamW. */
function step(): BenchmarkCase {
  const config = resolveLMConfig({ dModel: 64, nLayers: 4, vocabSize: 256 });
  const [batchSize, length] = [8, 256];
  const positions = batchSize * length;
  const specs = parameterSpecs(config);
  const parameters = specs.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const perPosition =
    stackFlops(config) +
    3 * 2 * config.vocabSize * config.dModel + // the head, and back to its input and its weights
    8 * config.vocabSize; // the loss: maximum, exp, sum and gradient
  return {
    name: `training step d=${config.dModel} layers=${config.nLayers} B=${batchSize} L=${length} V=${config.vocabSize}`,
    dtype: "f32",
    bytes: 4 * parameters * (3 + 4), // forward, backward and AdamW read a parameter; AdamW its moments, and writes all
    flops: positions * perPosition + adamwFlops * parameters,
    tokens: positions,
    prepare(kernel, scope) {
      const model = scope.use(MambaLM.init(kernel, config));
      const trainer = scope.use(
        new Trainer(languageModel(model), bytes(length), { steps: 2 ** 30, batchSize, schedule: "constant" }),
      );
      return async () => {
        await trainer.advance();
      };
    },
  };
}

/** One block at the width of mamba-130m: gradients of its input and of all its parameters. */
function block(): BenchmarkCase {
  const config = resolveConfig({ dModel: 768, nLayers: 24 });
  const length = 512;
  const specs = mambaParameters(config);
  const parameters = specs.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const { forward, backward } = blockFlops(config);
  return {
    name: `training block d=${config.dModel} B=1 L=${length}`,
    dtype: "f32",
    bytes: 4 * (3 * parameters + 4 * length * config.dModel), // read twice and their gradients written; x, y, dy, dx
    flops: length * (forward + backward),
    tokens: length,
    prepare(kernel, scope) {
      const parameters = new Map<string, Tensor>();
      for (const spec of specs) {
        parameters.set(spec.name, scope.use(kernel.upload(initialValues(spec, 0), spec.shape, "f32")));
      }
      const layer = new MambaBlock(config, parameters);
      const shape = [1, length, config.dModel];
      const x = randomTensor(kernel, scope, shape, "f32");
      const dy = randomTensor(kernel, scope, shape, "f32");
      return () => {
        using tape = new Tape(kernel, [x, ...parameters.values()]);
        const y = layer.forward(tape, x);
        for (const gradient of tape.backward(y, dy).values()) gradient.dispose();
      };
    },
  };
}

/** Training, at the shapes that `tooling/benchTorch.mjs` compares. */
export const trainingCases: readonly BenchmarkCase[] = [step(), block(), ...recipeCases];
