import { expect, test } from "vitest";
import {
  classPosition,
  EagerOps,
  linearNames,
  MambaError,
  patchGrid,
  resolveVisionConfig,
  Tape,
  type VisionConfigInput,
  VisionMamba,
  visionSpecs,
} from "../src/index.ts";
import { Patches } from "../src/model/vision/patches.ts";
import { close, nmse, take } from "./support.ts";
import { kernel, useTrainingKernel } from "./trainingKernel.ts";

useTrainingKernel();

const block = { dModel: 12, nLayers: 2, dState: 3, dtRank: 2, dConv: 3, initializerRange: 0.3 } as const;
const small = { ...block, height: 6, width: 9, channels: 2, patchSize: 3, classes: 4 } as const;

const someNumbers = (count: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(1.3 * i));

test.each([
  { height: 4, width: 8, channels: 1, patchSize: 4, stride: 4 },
  { height: 10, width: 8, channels: 3, patchSize: 4, stride: 2 },
  { height: 10, width: 14, channels: 2, patchSize: 6, stride: 4 }, // runs of 2 pixels
  { height: 8, width: 11, channels: 1, patchSize: 5, stride: 3 }, // runs of 1 pixel
  { height: 3, width: 5, channels: 2, patchSize: 1, stride: 1 },
])("patches of %o are those of a convolution", async (config) => {
  const { height, width, channels, patchSize, stride } = config;
  const data = someNumbers(2 * height * width * channels);
  using images = kernel.upload(data, [2, height, width, channels], "f32");
  using ops = new EagerOps(kernel);
  const patches = new Patches(config);
  const found = patches.forward(ops, images);
  const [rows, columns] = patchGrid(config);
  expect(found.shape).toEqual([2, rows * columns, patchSize * patchSize * channels]);
  expect(patches.count).toBe(rows * columns);
  const expected: number[] = [];
  for (let b = 0; b < 2; b++)
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++)
        for (let y = 0; y < patchSize; y++)
          for (let x = 0; x < patchSize; x++)
            for (let c = 0; c < channels; c++) {
              const pixel = (b * height + row * stride + y) * width + column * stride + x;
              expected.push(data[pixel * channels + c]!);
            }
  expect((await kernel.read(found))[0]).toEqual(Float32Array.from(expected));
});

test.each(["first", "middle", "last"] as const)(
  "with the class token %s, an image gives the same in any batch",
  async (classToken) => {
    using model = VisionMamba.init(kernel, { ...small, classToken }, 3);
    const pixels = 6 * 9 * 2;
    const data = someNumbers(3 * pixels);
    using images = kernel.upload(data, [3, 6, 9, 2], "f32");
    const all = await take(kernel, model.forward(images));
    expect(all).toHaveLength(3 * 4);
    for (const row of [0, 1, 2]) {
      using image = kernel.upload(data.slice(row * pixels, (row + 1) * pixels), [1, 6, 9, 2], "f32");
      const alone = await take(kernel, model.forward(image));
      expect(nmse(all.subarray(row * 4, row * 4 + 4), alone)).toBeLessThan(close);
    }
  },
);

test("the class token's place", () => {
  expect(classPosition({ pooling: "class", classToken: "first" }, 7)).toBe(0);
  expect(classPosition({ pooling: "class", classToken: "middle" }, 7)).toBe(3);
  expect(classPosition({ pooling: "class", classToken: "last" }, 7)).toBe(7);
  expect(classPosition({ pooling: "mean", classToken: "middle" }, 7)).toBeUndefined();
});

test.each(["first", "middle", "last"] as const)(
  "resize keeps the row of the class token, %s",
  async (classToken) => {
    using model = VisionMamba.init(kernel, { ...small, classToken }, 4);
    const D = block.dModel;
    // The grid has the same row everywhere, which any interpolation keeps.
    const at = classPosition(model.config, 6)!;
    const rows = Array.from({ length: 7 }, (_, row) =>
      Array.from({ length: D }, (_, d) => (row === at ? -d : d)),
    );
    kernel.write(model.parameters.get("pos_embed")!, 0, Float32Array.from(rows.flat()));
    using larger = await model.resize(9, 12);
    expect(larger.config).toMatchObject({ height: 9, width: 12 });
    const [found] = await kernel.read(larger.parameters.get("pos_embed")!);
    const place = classPosition(larger.config, 12)!;
    expect(found).toHaveLength(13 * D);
    for (let row = 0; row < 13; row++)
      for (let d = 0; d < D; d++) expect(found![row * D + d]).toBeCloseTo(row === place ? -d : d, 5);
    // The copy is independent.
    larger.dispose();
    using images = kernel.zeros([1, 6, 9, 2], "f32");
    expect((await take(kernel, model.forward(images))).every(Number.isFinite)).toBe(true);
  },
);

test("resize refuses a size that patches do not fit, and an unknown option", async () => {
  using model = VisionMamba.init(kernel, small);
  await expect(model.resize(10, 9)).rejects.toThrow(
    "config field height must be patchSize and a multiple of it",
  );
  await expect(model.resize(9, 9, { interpolation: "nearest" as "bicubic" })).rejects.toThrow(
    'resize: option interpolation must be "bicubic" or "bilinear", got "nearest"',
  );
});

test("parameters have the names, starts and rules of the official model", () => {
  const specs = visionSpecs(resolveVisionConfig({ ...small, nLayers: 1, initializerRange: 0.02 }));
  expect(specs.map(({ name, shape }) => `${name} ${shape.join("x")}`)).toEqual([
    ...["cls_token 12", "pos_embed 7x12", "patch_embed.proj.weight 12x18", "patch_embed.proj.bias 12"],
    ...["norm.weight 12", "mixer.in_proj.weight 48x12", "mixer.conv1d.weight 24x3", "mixer.conv1d.bias 24"]
      .concat("mixer.x_proj.weight 8x24", "mixer.dt_proj.weight 24x2", "mixer.dt_proj.bias 24")
      .concat("mixer.A_log 24x3", "mixer.D 24", "mixer.out_proj.weight 12x24", "mixer.conv1d_b.weight 24x3")
      .concat("mixer.conv1d_b.bias 24", "mixer.x_proj_b.weight 8x24", "mixer.dt_proj_b.weight 24x2")
      .concat("mixer.dt_proj_b.bias 24", "mixer.A_b_log 24x3", "mixer.D_b 24")
      .map((name) => `layers.0.${name}`),
    ...["norm_f.weight 12", "head.weight 4x12", "head.bias 4"],
  ]);
  const plain = specs
    .filter(({ weightDecay }) => !weightDecay)
    .map(({ name }) => name.replace(/^layers.0./, ""));
  expect(plain).toEqual([
    ...["cls_token", "pos_embed", "patch_embed.proj.bias", "norm.weight", "mixer.conv1d.bias"],
    ...["mixer.dt_proj.bias", "mixer.A_log", "mixer.D", "mixer.conv1d_b.bias", "mixer.dt_proj_b.bias"],
    ...["mixer.A_b_log", "mixer.D_b", "norm_f.weight", "head.bias"],
  ]);
  const init = (name: string) => specs.find((spec) => spec.name === name)?.init;
  for (const name of ["cls_token", "pos_embed", "head.weight"])
    expect(init(name)).toEqual({ kind: "normal", std: 0.02 });
  expect(init("patch_embed.proj.weight")).toEqual({ kind: "normal", std: 18 ** -0.5 });
  expect(init("layers.0.mixer.dt_proj_b.bias")).toMatchObject({ kind: "dtBias" });
  const mean = visionSpecs(resolveVisionConfig({ ...small, pooling: "mean" }));
  expect(mean.slice(0, 1)).toMatchObject([{ name: "pos_embed", shape: [6, 12] }]);
});

test.each<[object, string]>([
  [{ height: 7 }, "config field height must be patchSize and a multiple of it: 3 + k * 3, got 7"],
  [
    { width: 8, stride: 2 },
    "config field height must be patchSize and a multiple of stride: 3 + k * 2, got 6",
  ],
  [{ patchSize: 7 }, "config field patchSize must be a whole number from 1 to 6, got 7"],
  [{ stride: 4 }, "config field stride must be a whole number from 1 to 3, got 4"],
  [{ patchsize: 3 }, 'there is no field "patchsize"; did you mean patchSize?'],
  [{ clsToken: "first" }, 'there is no field "clsToken"; did you mean classToken?'],
  [{ classToken: "end" }, 'config field classToken must be "middle", "first" or "last", got "end"'],
  [{ pooling: "max" }, 'config field pooling must be "class" or "mean", got "max"'],
  [{ classes: undefined }, "config field classes must be a whole number"],
  [{ channels: 0 }, "config field channels must be a whole number from 1 to 4096, got 0"],
  [{ dState: 1000 }, "config field dState must be a whole number from 1 to 256, got 1000"],
])("a config with %o is refused", (change, message) => {
  const config = { ...small, ...change } as VisionConfigInput;
  expect(() => resolveVisionConfig(config)).toThrow(
    expect.objectContaining({ code: "CONFIG", message: expect.stringContaining(message) as string }) as Error,
  );
});

test("images of another size are refused, and so are sequences", () => {
  using model = VisionMamba.init(kernel, small);
  using images = kernel.zeros([1, 9, 6, 2], "f32");
  expect(() => model.forward(images)).toThrow(
    "images f32 [B, 6, 9, 2] were expected, got f32 [1, 9, 6, 2]; scale the images, or use model.resize",
  );
  using right = kernel.zeros([1, 6, 9, 2], "f32");
  expect(() => model.forward(right, { sequences: [] } as object)).toThrow(MambaError);
});

test("every parameter learns, and dropout is that of the step's seed", async () => {
  using model = VisionMamba.init(kernel, { ...small, dropout: 0.3 }, 5);
  using images = kernel.upload(someNumbers(2 * 108), [2, 6, 9, 2], "f32");
  const step = async (seed: number) => {
    using tape = new Tape(kernel, model.trainable.parameters.values(), { derived: model.derived });
    const logits = model.run(tape, images, { training: { seed } });
    const gradients = tape.backward(tape.crossEntropy(logits, tape.constant(Int32Array.of(1, 3), [2])));
    const sizes: (readonly [string, number])[] = [];
    for (const [name, tensor] of model.parameters) {
      const values = await take(kernel, gradients.get(tensor)!);
      sizes.push([name, values.reduce((sum, value) => sum + value * value, 0)]);
    }
    return sizes;
  };
  const one = await step(1);
  expect(one.filter(([, size]) => !(size > 0))).toEqual([]);
  expect(await step(1)).toEqual(one);
  expect(await step(2)).not.toEqual(one);
  expect(linearNames(model.linears)).toEqual([
    ...["proj", "in_proj", "x_proj", "dt_proj", "out_proj", "x_proj_b", "dt_proj_b", "head"],
  ]);
});
