// Forecasts a week of a daily series with the quantiles 0.1, 0.5 and 0.9, from a CSV file. Give the path of another file and the
// name of its column to forecast your own: node main.js sales.csv amount

import { SequenceModel } from "@mamba/core";
import { openKernel } from "@mamba/kernel";
import { evaluate, forecastSeries, seriesRegressor, Trainer } from "@mamba/train";
import { parseCsv, seriesInput, seriesWindows } from "@mamba/train/data";
import { readFile } from "node:fs/promises";

const [path = new URL("visitors.csv", import.meta.url), column = "visitors"] = process.argv.slice(2);
const table = parseCsv(await readFile(path, "utf8"), String(path));
const [context, horizon, levels] = [28, 7, [0.1, 0.5, 0.9]];
const windows = seriesWindows(table, { columns: [column], context, horizon, heldOut: 0.2 });
const { train, heldOut } = windows;
const data = { ...windows.data, levels }; // saved with a model, it says how inputs are made and what outputs mean

const kernel = await openKernel([{ name: "cpu", load: () => import("@mamba/kernel-cpu") }]);
const model = SequenceModel.init(kernel, {
  input: { kind: "values", channels: 1 },
  pooling: "last",
  outputs: horizon * levels.length,
  dModel: 32,
  nLayers: 2,
});
const task = seriesRegressor(model, data);
const trainer = new Trainer(task, train, { steps: 150, batchSize: 16, lr: 3e-3, warmupSteps: 10 });
for await (const { step, loss } of trainer.run()) if (step % 50 === 0) console.log(step, loss.toFixed(3));

// Persistence says that the week to come is like today.
let error = 0;
for (let i = 0; i < heldOut.count; i++) {
  const { input, target } = heldOut.example(i);
  error += target.reduce((sum, value) => sum + Math.abs(value - input[context - 1]), 0) / horizon;
}
const { mae } = await evaluate(task, heldOut);
console.log(
  `held out: mean absolute error ${mae.toFixed(1)}, persistence ${((data.std[0] * error) / heldOut.count).toFixed(1)}`,
);

const week = await forecastSeries(model, data, seriesInput(table, data));
for (let day = 0; day < horizon; day++) {
  const [low, middle, high] = week.subarray(day * levels.length);
  console.log(`day ${day + 1}: ${middle.toFixed(0)} (${low.toFixed(0)} to ${high.toFixed(0)})`);
}
for (const item of [trainer, model]) item.dispose();
await kernel.dispose();
