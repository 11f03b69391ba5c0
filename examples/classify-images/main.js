// Trains a Vision Mamba that tells stripes from checks, saves it, loads it again and classifies images that it has not seen.
// For a folder of your own images, one subfolder per class, take `imageFolder` of @mamba/train/node as the source.

import { loadModel, saveModel } from "@mamba/checkpoint";
import { uniformAt, VisionMamba } from "@mamba/core";
import { openKernel } from "@mamba/kernel";
import { classifier, evaluate, predict, Trainer } from "@mamba/train";
import { arraySource, splitSource } from "@mamba/train/data";

const labels = ["horizontal", "vertical", "checks"];
const side = 16;

/** A grey image [side, side, 1] with noise, and its class. */
function draw(index) {
  const random = (i) => uniformAt(index, i);
  const label = index % labels.length;
  const period = 3 + Math.floor(random(0) * 3);
  const shift = Math.floor(random(1) * 6);
  const isLight = (at) => Math.floor((at + shift) / period) % 2;
  const input = Float32Array.from({ length: side * side }, (_, i) => {
    const [row, column] = [isLight(Math.floor(i / side)), isLight(i % side)];
    const light = [row, column, row ^ column][label];
    return light + 0.8 * random(i + 2) - 0.9;
  });
  return { input, target: label };
}

const images = Array.from({ length: 600 }, (_, index) => draw(index));
const source = arraySource({
  id: "stripes and checks",
  inputs: images.map(({ input }) => input),
  targets: images.map(({ target }) => target),
});
const { train, heldOut } = splitSource(source, { heldOut: 0.2 });

const kernel = await openKernel([{ name: "cpu", load: () => import("@mamba/kernel-cpu") }]);
const size = { height: side, width: side, channels: 1, patchSize: 4 };
const model = VisionMamba.init(kernel, { ...size, classes: labels.length, dModel: 32, nLayers: 2 });
const trainer = new Trainer(classifier(model), train, {
  steps: 100,
  batchSize: 16,
  lr: 3e-3,
  warmupSteps: 10,
});
for await (const { step, loss } of trainer.run()) if (step % 25 === 0) console.log(step, loss.toFixed(3));
const { accuracy, macroF1 } = await evaluate(classifier(model), heldOut);
console.log(`held out: accuracy ${accuracy.toFixed(3)}, F1 ${macroF1.toFixed(3)}`);

const folder = process.argv[2] ?? "stripes-model";
const data = { kind: "images", height: side, width: side, channels: 1, mean: [0], std: [1], labels };
await saveModel(model, folder, { data });
const loaded = await loadModel(kernel, folder);
const [probabilities] = await predict(classifier(loaded.model), [draw(1001).input]);
console.log(
  `image 1001 is ${labels[1001 % 3]}:`,
  Object.fromEntries(labels.map((label, i) => [label, probabilities[i].toFixed(3)])),
);
for (const item of [trainer, model, loaded.model]) item.dispose();
await kernel.dispose();
