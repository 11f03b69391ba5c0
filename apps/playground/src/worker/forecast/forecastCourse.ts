import { CheckpointError, loadModel } from "@mamba/checkpoint/browser";
import { SequenceModel } from "@mamba/core";
import { regressor, Trainer } from "@mamba/train";
import type { ForecastSettings } from "../../protocol.ts";
import type { Course, Lesson } from "../training/course.ts";
import { trainConfig } from "../training/trainConfig.ts";
import { evaluateForecasts } from "./evaluateForecasts.ts";
import { Forecaster } from "./forecaster.ts";
import { bestConstantLoss, seriesExamples } from "./seriesExamples.ts";

/** The quantiles: 80 % of the values should lie between the first and the last. */
const levels = [0.1, 0.5, 0.9];
const batchSize = 16;
const evaluateEvery = 100;

/** A causal model that at each position forecasts quantiles of all the next values at once. */
export const forecastCourse: Course<ForecastSettings> = {
  async open(kernel, settings): Promise<Lesson> {
    const { train, heldOut, data } = seriesExamples(settings, levels);
    const { width, seed } = settings;
    const layers = { dModel: width, nLayers: 2, initializerRange: 0.1 };
    const ends = {
      input: { kind: "values", channels: 1 },
      pooling: "none",
      outputs: data.horizon * levels.length,
    } as const;
    const model = SequenceModel.init(kernel, { ...ends, ...layers }, seed);
    const trained = regressor(model, { loss: { levels } });
    const trainer = new Trainer(trained, train, trainConfig(settings, batchSize));
    const forecaster = new Forecaster(model, data);
    return {
      trainer,
      guessLoss: await bestConstantLoss(train, levels),
      evaluateEvery,
      evaluate: (signal) => evaluateForecasts(model, heldOut, data, signal),
      predict(query) {
        return forecaster.predict(query, trainer.step);
      },
      files: () => forecaster.files(),
      [Symbol.dispose]() {
        trainer.dispose();
        forecaster[Symbol.dispose]();
      },
    };
  },

  async load(kernel, files) {
    const { kind, model, data } = await loadModel(kernel, files);
    if (kind === "sequence" && data) return new Forecaster(model, data);
    model.dispose();
    const got = kind === "sequence" ? "one without the data of its series" : `a ${kind} model`;
    throw new CheckpointError("UNSUPPORTED_MODEL", `expected a model of series, got ${got}`);
  },
};
