import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { climatology, linearAutoregression, persistence, score } from "./baselines.mjs";
import { firstHeldOut, measured, readDays } from "./days.mjs";

/** The table of the package, after `npm ci --prefix recipes/weather`. */
const source = fileURLToPath(new URL("node_modules/vega-datasets/data/seattle-weather.csv", import.meta.url));
const here = fileURLToPath(new URL(".", import.meta.url));
/** Rows that the model reads before it forecasts: the same number as in forecast.json. */
const context = 56;

/**
 * Writes the days as tables with the season in two columns: those to train on, and, beside this file, those held out with the
 * days before them that the first forecast reads.
 *
 * @param {string} cache
 */
export function prepareWeather(cache) {
  const { days, first } = split();
  mkdirSync(cache, { recursive: true });
  writeFileSync(join(cache, "train.csv"), table(days.slice(0, first)));
  writeFileSync(join(here, "held-out.csv"), table(days.slice(first - context)));
}

/** Evaluates the baselines on the held-out year, and keeps the result. */
export function evaluateBaselines() {
  const { days, first } = split();
  const train = days.slice(0, first);
  const results = {
    persistence: score(days, first, persistence()),
    climatology: score(days, first, climatology(train)),
    "linear autoregression": score(days, first, linearAutoregression(train)),
  };
  writeFileSync(join(here, "baselines.json"), `${JSON.stringify(results, undefined, 2)}\n`);
}

function split() {
  const days = readDays(source);
  return { days, first: days.findIndex(({ date }) => date === firstHeldOut) };
}

/** @param {readonly import("./days.mjs").Day[]} days */
function table(days) {
  const rows = days.map((day) => {
    const angle = (2 * Math.PI * day.dayOfYear) / 366;
    const season = [Math.sin(angle), Math.cos(angle)].map((value) => value.toFixed(4));
    return [day.date, ...measured.map((column) => day[column]), ...season].join(",");
  });
  return `${["date", ...measured, "season_sin", "season_cos"].join(",")}\n${rows.join("\n")}\n`;
}
