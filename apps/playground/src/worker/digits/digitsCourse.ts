import { CheckpointError, loadModel } from "@mamba/checkpoint/browser";
import { VisionMamba } from "@mamba/core";
import { classifier, Trainer } from "@mamba/train";
import { idxImages, shifted } from "@mamba/train/data";
import type { DigitsSettings } from "../../protocol.ts";
import type { Course, Lesson } from "../training/course.ts";
import { trainConfig } from "../training/trainConfig.ts";
import { side } from "./digitPixels.ts";
import { DigitReader } from "./digitReader.ts";
import { loadDigits } from "./digitsData.ts";

/** Mean and standard deviation of the pixels of MNIST. */
const [mean, std] = [0.1307, 0.3081];
const batchSize = 32;
const evaluateEvery = 50;

/** A Vision Mamba of two layers, over patches that overlap, learns digits that are shifted at random. */
export const digitsCourse: Course<DigitsSettings> = {
  async open(kernel, settings): Promise<Lesson> {
    const { train, heldOut } = await loadDigits();
    const { width, seed } = settings;
    const images = { height: side, width: side, channels: 1, patchSize: 10, stride: 6, classes: 10 };
    const layers = { dModel: width, nLayers: 2, initializerRange: 0.06 };
    const model = VisionMamba.init(kernel, { ...images, ...layers }, seed);
    const source = idxImages(train.images, train.labels, { mean: [mean], std: [std] });
    const shifts = { height: side, width: side, by: 2, fill: -mean / std, seed };
    const config = trainConfig(settings, batchSize);
    const trainer = new Trainer(classifier(model), shifted(source, shifts), config);
    const reader = new DigitReader(model, source.data, heldOut);
    return {
      trainer,
      guessLoss: Math.log(10),
      evaluateEvery,
      evaluate: (signal) => reader.evaluate(signal),
      predict: (query) => reader.predict(query),
      files: () => reader.files(),
      [Symbol.dispose]() {
        trainer.dispose();
        reader[Symbol.dispose]();
      },
    };
  },

  async load(kernel, files) {
    const { kind, model, data } = await loadModel(kernel, files);
    if (kind === "vision" && data) return new DigitReader(model, data, (await loadDigits()).heldOut);
    model.dispose();
    const got = kind === "vision" ? "one without the data of its images" : `a ${kind} model`;
    throw new CheckpointError("UNSUPPORTED_MODEL", `expected a model of images, got ${got}`);
  },
};
