// A loss of one's own: a model that says how sure it is. It gives a mean and a log variance for the next value of a series, and
// learns both from the negative log likelihood of a normal distribution. The square is an op of one's own.

import { SequenceModel, uniformAt } from "@mamba/core";
import { openKernel } from "@mamba/kernel";
import { trainable, Trainer } from "@mamba/train";

const length = 32;

/** A sine that is quiet or loud, and inputs that say which: [value, loudness] at each position. Targets: the values that follow. */
function example(index) {
  const loudness = index % 2 === 0 ? 0.1 : 1;
  const noise = (i) => uniformAt(index, 2 * i) + uniformAt(index, 2 * i + 1) - 1; // standard deviation 0.41
  const value = (_, i) => Math.sin((i + index) / 2) + loudness * noise(i);
  const values = Array.from({ length: length + 1 }, value);
  return { input: values.slice(0, length).flatMap((value) => [value, loudness]), target: values.slice(1) };
}

/** x², with its gradient 2 · x · dy. */
const square = (ops, x) =>
  ops.custom(
    [x],
    (kernel) => kernel.mul(x, x),
    (kernel, dy) => {
      const product = kernel.mul(dy, x);
      const gradients = [kernel.scale(product, 2)];
      product.dispose();
      return gradients;
    },
  );

/** The mean of ½ (log variance + (target - mean)² / variance) over all positions. */
function loss(ops, examples) {
  const batch = (field) => Float32Array.from(examples.flatMap((each) => each[field]));
  const upload = (field, width) => ops.constant(batch(field), [examples.length, length, width]);
  const y = model.run(ops, upload("input", 2)); // [B, L, 2]
  const [mean, logVariance] = [ops.columns(y, 0, 1), ops.columns(y, 1, 1)];
  const error = square(ops, ops.sub(upload("target", 1), mean));
  const terms = ops.add(logVariance, ops.mul(error, ops.exp(ops.scale(logVariance, -1)))); // [B, L, 1]
  const all = ops.reshape(terms, [1, examples.length * length, 1]);
  return ops.scale(ops.reshape(ops.meanPositions(all), [1]), 0.5);
}

const kernel = await openKernel([{ name: "cpu", load: () => import("@mamba/kernel-cpu") }]);
const input = { kind: "values", channels: 2 };
const model = SequenceModel.init(kernel, { input, pooling: "none", outputs: 2, dModel: 32, nLayers: 2 });
const { specs, parameters, config } = model;
const task = trainable({ kernel, specs, parameters, config, loss });
const source = { id: "sines with noise", count: undefined, example };
const trainer = new Trainer(task, source, { steps: 150, lr: 3e-3 });
for await (const event of trainer.run()) if (event.step % 50 === 0) console.log(event.step, event.loss);

for (const index of [100_000, 100_001]) {
  const x = kernel.upload(Float32Array.from(example(index).input), [1, length, 2], "f32");
  const [y] = await kernel.read(model.forward(x));
  console.log(index % 2 ? "loud" : "quiet", `standard deviation ${Math.exp(y.at(-1) / 2).toFixed(2)}`);
} // true: 0.04 when it is quiet, 0.41 when it is loud
for (const item of [trainer, model]) item.dispose();
await kernel.dispose();
