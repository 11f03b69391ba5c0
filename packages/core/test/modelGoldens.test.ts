import { type Golden, type GoldenName, loadGolden } from "@mamba/conformance";
import { Scope, type Tensor } from "@mamba/kernel";
import { expect, test } from "vitest";
import {
  type Ops,
  type Parameters,
  type ParameterSpec,
  resolveSequenceConfig,
  resolveVisionConfig,
  SequenceModel,
  sequenceSpecs,
  Tape,
  VisionMamba,
  visionSpecs,
} from "../src/index.ts";
import { close, nmse, take } from "./support.ts";
import { kernel, useTrainingKernel } from "./trainingKernel.ts";

// Whole models against PyTorch in float64 (tooling/reference/model_goldens.py): results and the gradients of all parameters.

useTrainingKernel();

/** The values of a golden in the layout of the parameter: patches are channels last in the model and channels first in files. */
function valuesFor({ tensors }: Golden, key: string, name: string): Float32Array {
  const { data = new Float32Array(), shape = [] } = tensors[key] ?? {};
  expect([key, data.length > 0]).toEqual([key, true]);
  if (name !== "patch_embed.proj.weight") return data;
  const [rows = 0, channels = 0, height = 0, width = 0] = shape;
  const out: number[] = [];
  for (let row = 0; row < rows; row++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        for (let c = 0; c < channels; c++)
          out.push(data[((row * channels + c) * height + y) * width + x] ?? NaN);
  return Float32Array.from(out);
}

function parametersOf(golden: Golden, specs: readonly ParameterSpec[]): Map<string, Tensor> {
  return new Map(
    specs.map(({ name, shape }) => [name, kernel.upload(valuesFor(golden, name, name), shape, "f32")]),
  );
}

/** Checks the results of `run` and the gradients of all parameters, and of the input where it has one. */
async function checkModel(
  golden: Golden,
  parameters: Parameters,
  input: readonly [name: string, x: Tensor] | undefined,
  run: (ops: Ops) => Tensor,
  [result, incoming]: readonly [result: string, incoming: string],
  recompute: boolean,
): Promise<void> {
  using scope = new Scope();
  const wanted = new Map(input ? [...parameters, input] : parameters);
  const { data: dyData, shape: dyShape } = golden.tensors[incoming]!;
  const dy = scope.use(kernel.upload(dyData, dyShape, "f32"));
  const tape = scope.use(new Tape(kernel, wanted.values(), { recompute }));
  const y = tape.keep(run(tape));
  const found = tape.backward(y, dy);
  expect(nmse(await take(kernel, y), golden.tensors[result]!.data)).toBeLessThan(close);
  for (const [name, tensor] of wanted) {
    const gradient = found.get(tensor);
    if (!gradient) throw new Error(`no gradient of ${name}`);
    const error = nmse(await take(kernel, gradient), valuesFor(golden, `d_${name}`, name));
    expect([name, error < close]).toEqual([name, true]);
  }
}

const visions = ["vision-mamba", "vision-mamba-mean"] as const satisfies readonly GoldenName[];
test.each(visions)("%s", async (name) => {
  const golden = loadGolden(name);
  const config = resolveVisionConfig(golden.meta["config"] as ConfigOf<typeof resolveVisionConfig>);
  using model = new VisionMamba(kernel, config, parametersOf(golden, visionSpecs(config)));
  const { data, shape } = golden.tensors["images"]!;
  using images = kernel.upload(data, shape, "f32");
  expect(nmse(await take(kernel, model.forward(images)), golden.tensors["logits"]!.data)).toBeLessThan(close);
  for (const recompute of [false, true]) {
    const run = (ops: Ops) => model.run(ops, images);
    const results = ["logits", "dLogits"] as const;
    await checkModel(golden, model.parameters, ["images", images], run, results, recompute);
  }
});

test.each(["bicubic", "bilinear"] as const)(
  "a position embedding for another size, %s",
  async (interpolation) => {
    const golden = loadGolden("vision-mamba");
    const config = resolveVisionConfig(golden.meta["config"] as ConfigOf<typeof resolveVisionConfig>);
    const { height, width } = golden.meta["resized"] as { height: number; width: number };
    using model = new VisionMamba(kernel, config, parametersOf(golden, visionSpecs(config)));
    using resized = await model.resize(height, width, { interpolation });
    expect(resized.config).toEqual({ ...config, height, width });
    const [positions] = await kernel.read(resized.parameters.get("pos_embed")!);
    const expected = golden.tensors[`resized_${interpolation}`]!.data;
    expect(nmse(positions as Float32Array, expected)).toBeLessThan(1e-12);
    // Everything else is a copy, and the same size gives the same numbers.
    using same = await model.resize(config.height, config.width, { interpolation });
    for (const [key, tensor] of model.parameters) {
      const [own, copy] = await kernel.read(tensor, same.parameters.get(key)!);
      expect([key, copy]).toEqual([key, own]);
    }
    using images = kernel.zeros([1, height, width, config.channels], "f32");
    expect(await take(kernel, resized.forward(images))).toHaveLength(config.classes);
  },
);

const sequences = ["sequence-mean", "sequence-tokens-last", "sequence-tokens-max"] as const;
test.each(sequences)("%s", async (name) => {
  const golden = loadGolden(name);
  const config = resolveSequenceConfig(golden.meta["config"] as ConfigOf<typeof resolveSequenceConfig>);
  using model = new SequenceModel(kernel, config, parametersOf(golden, sequenceSpecs(config)));
  const ids = golden.meta["ids"] as number[][] | undefined;
  const x = golden.tensors["x"];
  using input = x
    ? kernel.upload(x.data, x.shape, "f32")
    : kernel.upload(Int32Array.from(ids?.flat() ?? []), [ids?.length ?? 0, ids?.[0]?.length ?? 0], "i32");
  expect(nmse(await take(kernel, model.forward(input)), golden.tensors["y"]!.data)).toBeLessThan(close);
  for (const recompute of [false, true]) {
    const run = (ops: Ops) => model.run(ops, input);
    await checkModel(golden, model.parameters, x && ["x", input], run, ["y", "dy"], recompute);
  }
});

/** The config that a function takes. */
type ConfigOf<F extends (config: never) => unknown> = F extends (config: infer C) => unknown ? C : never;
