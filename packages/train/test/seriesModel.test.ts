import { type SequenceConfigInput, SequenceModel, type SeriesData } from "@mamba/core";
import { expect, test } from "vitest";
import { predict } from "../src/arrays/predict.ts";
import { regressor } from "../src/arrays/regressor.ts";
import { forecastSeries, seriesRegressor } from "../src/arrays/seriesModel.ts";
import { draws, kernel } from "./support.ts";

const data: SeriesData = {
  ...{ kind: "series", columns: ["a", "b", "c"], targets: ["c", "a"] },
  ...{ mean: [10, 20, 30], std: [1, 2, 4], context: 5, horizon: 2 },
};
const recursive: SeriesData = { ...data, targets: data.columns };

function modelOf(outputs: number, change: Partial<SequenceConfigInput> = {}): SequenceModel {
  return SequenceModel.init(
    kernel,
    {
      ...{ input: { kind: "values", channels: 3 }, pooling: "last", outputs },
      ...{ dModel: 8, nLayers: 1, dState: 4, ...change },
    },
    1,
  );
}

/** The outputs of a model at its last position, as it computes them. */
async function rawOutputs(model: SequenceModel, input: Float32Array, of = {}): Promise<Float32Array> {
  const [all] = await predict(regressor(model, of), [input]);
  return all!.slice(-model.outputs);
}

const input = draws(21, 3);
const context = input.slice(6); // the last 5 of 7 rows

test.each(["last", "none"] as const)(
  "a direct forecast is in the units of the table, pooling %s",
  async (pooling) => {
    using model = modelOf(4, { pooling });
    const raw = await rawOutputs(model, context);
    const values = raw.map((value, i) => (i % 2 === 0 ? 30 + 4 * value : 10 + value));
    const found = await forecastSeries(model, data, input);
    expect(found).toHaveLength(4);
    found.forEach((value, i) => expect(value).toBeCloseTo(values[i]!, 4));
    const changes = await forecastSeries(model, { ...data, relative: true }, input);
    const last = [30 + 4 * input[20]!, 10 + input[18]!];
    changes.forEach((value, i) => expect(value).toBeCloseTo(last[i % 2]! + raw[i]! * [4, 1][i % 2]!, 4));
  },
);

test("a direct forecast of quantiles, target after target", async () => {
  const levels = [0.1, 0.5, 0.9];
  using model = modelOf(12);
  const raw = await rawOutputs(model, context, { loss: { levels } });
  const found = await forecastSeries(model, { ...data, levels }, input);
  found.forEach((value, i) => {
    const isFirst = Math.floor(i / 3) % 2 === 0;
    expect(value).toBeCloseTo(isFirst ? 30 + 4 * raw[i]! : 10 + raw[i]!, 4);
  });
});

test("a recursive forecast reads what it forecast", async () => {
  using model = modelOf(3, { pooling: "none" });
  const first = await rawOutputs(model, context);
  const second = await rawOutputs(model, Float32Array.of(...context, ...first));
  const found = await forecastSeries(model, recursive, input);
  [...first, ...second].forEach((value, i) =>
    expect(found[i]).toBeCloseTo(value * data.std[i % 3]! + data.mean[i % 3]!, 3),
  );
});

test("models and inputs that do not fit the data are refused", async () => {
  using model = modelOf(3);
  expect(() => seriesRegressor(model, data)).toThrow(
    expect.objectContaining({
      code: "CONFIG",
      message:
        "a model that forecasts 2 rows must have 4 outputs, or 2 when it is causal and has no pooling, got 3",
    }),
  );
  using direct = modelOf(4);
  await expect(forecastSeries(direct, data, input.slice(0, 12))).rejects.toThrow(
    "the input must be 5 rows of 3 numbers or more, got 12 numbers",
  );
  await expect(forecastSeries(direct, data, input.slice(0, 20))).rejects.toMatchObject({ code: "DATA" });
  const huge = { ...data, std: [1e45, 1, 1e45] };
  await expect(forecastSeries(direct, huge, input)).rejects.toMatchObject({
    code: "NON_FINITE",
    message: expect.stringMatching(/^input 0: the prediction has the value -?Infinity; /) as string,
  });
  using stepped = modelOf(3, { pooling: "none" });
  await expect(forecastSeries(stepped, { ...recursive, relative: true }, input)).rejects.toThrow(
    "must forecast the values of all columns that it reads, in their order",
  );
  const shuffled = { ...recursive, targets: ["b", "a", "c"] };
  await expect(forecastSeries(stepped, shuffled, input)).rejects.toMatchObject({ code: "CONFIG" });
});
