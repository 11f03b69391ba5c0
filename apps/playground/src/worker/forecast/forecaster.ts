import { CheckpointError, modelFiles } from "@mamba/checkpoint/browser";
import type { SequenceModel, SeriesData, StackState } from "@mamba/core";
import type { Tensor } from "@mamba/kernel";
import type { Query, SeriesPrediction } from "../../protocol.ts";
import type { Learned } from "../training/course.ts";

/** The state of a model after the first `end` values of a series. */
interface Reading {
  readonly state: StackState;
  /** The number of training steps of the weights that read them. */
  readonly trained: number;
  end: number;
}

/** A causal model that forecasts a series of one column. It reads each new value once, and goes on from its state. */
export class Forecaster implements Learned {
  readonly #model: SequenceModel;
  readonly #data: SeriesData;
  readonly #levels: readonly number[];
  #reading: Reading | undefined;

  /**
   * The model becomes the forecaster's.
   *
   * @throws CheckpointError unless the model is causal, of one column, and gives quantiles of the whole horizon at each position
   */
  constructor(model: SequenceModel, data: SeriesData) {
    const { direction, pooling } = model.config;
    const { columns, horizon, levels = [], relative = false } = data;
    const isFit =
      direction === "causal" &&
      pooling === "none" &&
      columns.length === 1 &&
      !relative &&
      levels.length > 1 &&
      model.outputs === horizon * levels.length;
    if (!isFit) {
      const expected =
        "expected a causal model of one column that gives quantiles of the values of its whole horizon";
      const targets = relative ? "of changes" : "of values";
      const quantiles = `${levels.length} quantiles ${targets}, horizon ${horizon}, ${model.outputs} outputs`;
      const got = `${direction}, ${columns.length} columns, pooling "${pooling}", ${quantiles}`;
      throw new CheckpointError("UNSUPPORTED_MODEL", `${expected}, got ${got}`);
    }
    this.#model = model;
    this.#data = data;
    this.#levels = levels;
  }

  /** @param trained number of training steps done; a change makes the model read the values again */
  async predict(query: Query, trained = 0): Promise<SeriesPrediction | undefined> {
    if (query.kind !== "forecast" || query.values.length === 0) return undefined;
    const { end, values } = query;
    const { kernel } = this.#model;
    const [mean = 0, std = 1] = [this.#data.mean[0], this.#data.std[0]];
    const fresh = Float32Array.from(this.#unread(query, trained), (value) => (value - mean) / std);
    if (fresh.length === 0) return undefined;
    const reading = (this.#reading ??= {
      state: this.#model.createState(1),
      trained,
      end: end - values.length,
    });
    using results = this.#read(fresh, reading.state); // [1, L, horizon * levels]
    reading.end = end;
    const [outputs = new Float32Array()] = await kernel.read(results);
    const last = Array.from(outputs.slice(-this.#model.outputs), (output) => output * std + mean);
    return { kind: "forecast", end, levels: this.#levels, quantiles: last };
  }

  async files(): Promise<Map<string, Uint8Array>> {
    return modelFiles(this.#model, { data: this.#data });
  }

  [Symbol.dispose](): void {
    this.#forgetState();
    this.#model.dispose();
  }

  /** The values that the state has not read: all of them after the weights or the series changed. */
  #unread({ end, values }: Extract<Query, { kind: "forecast" }>, trained: number): readonly number[] {
    const reading = this.#reading;
    if (reading?.trained === trained && reading.end < end && reading.end >= end - values.length)
      return values.slice(values.length - (end - reading.end));
    this.#forgetState();
    return values.slice(-this.#data.context);
  }

  /** The state is advanced in place. */
  #read(values: Float32Array, state: StackState): Tensor {
    const { kernel } = this.#model;
    using input = kernel.upload(values, [1, values.length, 1], "f32");
    return this.#model.forward(input, { state });
  }

  #forgetState(): void {
    this.#reading?.state.dispose();
    this.#reading = undefined;
  }
}
