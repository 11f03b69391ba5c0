import { add, at } from "../numbers.mjs";
import { forecast, horizon, measured } from "./days.mjs";

// Forecasts to compare a model with. Each learns from `train` alone, and then forecasts from the days up to the last known one.

/**
 * @typedef {import("./days.mjs").Day} Day
 * @typedef {(known: readonly Day[], lead: number, column: typeof forecast[number], day: number) => number} Forecast The value of
 * a column `lead` days after the last known day, which has the place `day` in the calendar
 */

/** Tomorrow is as today. @returns {Forecast} */
export function persistence() {
  return (known, _lead, column) => known.at(-1)?.[column] ?? NaN;
}

/**
 * The mean of the days of all years that lie at most `reach` days from that day in the calendar.
 *
 * @param {readonly Day[]} train
 * @param {number} [reach]
 * @returns {Forecast}
 */
export function climatology(train, reach = 15) {
  const table = forecast.map((column) => {
    const sums = new Float64Array(366);
    const counts = new Float64Array(366);
    for (const day of train) {
      for (let offset = -reach; offset <= reach; offset++) {
        const place = (day.dayOfYear + offset + 366) % 366;
        add(sums, place, day[column]);
        add(counts, place, 1);
      }
    }
    return /** @type {const} */ ([column, sums.map((sum, i) => sum / at(counts, i))]);
  });
  const means = new Map(table);
  return (_known, _lead, column, day) => means.get(column)?.[day] ?? NaN;
}

/** The season as numbers: a year and half a year. @param {number} day */
function season(day) {
  return [1, 2].flatMap((harmonic) => {
    const angle = (2 * Math.PI * harmonic * day) / 366;
    return [Math.sin(angle), Math.cos(angle)];
  });
}

/**
 * Ridge regression of each column and lead on all measurements of the last `order` days and the season of the day that is
 * forecast, in closed form. Inputs are standardised by the training days, and the constant is not shrunk. The defaults are the
 * best of 2014 after training on 2012 and 2013, among orders from 1 to 14 and ridges from 1 to 300.
 *
 * @param {readonly Day[]} train
 * @returns {Forecast}
 */
export function linearAutoregression(train, { order = 1, ridge = 1 } = {}) {
  const scales = measured.map((column) => {
    const mean = train.reduce((sum, day) => sum + day[column], 0) / train.length;
    const variance = train.reduce((sum, day) => sum + (day[column] - mean) ** 2, 0) / train.length;
    return { column, mean, deviation: Math.sqrt(variance) };
  });
  /** @param {readonly Day[]} known @param {number} day */
  const inputs = (known, day) => [
    1,
    ...season(day),
    ...known
      .slice(-order)
      .flatMap((each) => scales.map(({ column, mean, deviation }) => (each[column] - mean) / deviation)),
  ];
  const ends = Array.from({ length: train.length - order - horizon + 1 }, (_, i) => i + order); // days known
  const weights = new Map(
    Array.from({ length: horizon }, (_, i) => {
      const lead = i + 1;
      const target = (/** @type {number} */ end) => train[end - 1 + lead];
      const rows = ends.map((end) => inputs(train.slice(end - order, end), target(end)?.dayOfYear ?? NaN));
      const columns = forecast.map((column) => ends.map((end) => target(end)?.[column] ?? NaN));
      return [lead, ridgeRegression(rows, columns, ridge)];
    }),
  );
  return (known, lead, column, day) => {
    const chosen = weights.get(lead)?.[forecast.indexOf(column)] ?? [];
    return inputs(known, day).reduce((sum, x, i) => sum + x * (chosen[i] ?? NaN), 0);
  };
}

/**
 * Solves `(XᵀX + ridge I) w = Xᵀy` for each y by Cholesky's factorisation. The first column of X is the constant.
 *
 * @param {readonly (readonly number[])[]} rows X
 * @param {readonly (readonly number[])[]} targets
 * @param {number} ridge
 * @returns {number[][]}
 */
function ridgeRegression(rows, targets, ridge) {
  const size = rows[0]?.length ?? 0;
  const gram = new Float64Array(size * size); // its lower triangle becomes the factor
  for (const row of rows) {
    for (let i = 0; i < size; i++) {
      for (let j = 0; j <= i; j++) add(gram, i * size + j, at(row, i) * at(row, j));
    }
  }
  for (let i = 1; i < size; i++) add(gram, i * size + i, ridge);
  const factor = (/** @type {number} */ i, /** @type {number} */ j) => at(gram, i * size + j);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = factor(i, j);
      for (let k = 0; k < j; k++) sum -= factor(i, k) * factor(j, k);
      gram[i * size + j] = i === j ? Math.sqrt(sum) : sum / factor(j, j);
    }
  }
  return targets.map((y) => {
    const w = Array.from({ length: size }, (_, i) =>
      rows.reduce((sum, row, r) => sum + at(row, i) * at(y, r), 0),
    );
    for (let i = 0; i < size; i++) {
      for (let k = 0; k < i; k++) add(w, i, -factor(i, k) * at(w, k));
      w[i] = at(w, i) / factor(i, i);
    }
    for (let i = size - 1; i >= 0; i--) {
      for (let k = i + 1; k < size; k++) add(w, i, -factor(k, i) * at(w, k));
      w[i] = at(w, i) / factor(i, i);
    }
    return w;
  });
}

/**
 * Errors in degrees over all forecasts whose days lie within `days[first…]`: mean absolute, and root of the mean square.
 *
 * @param {readonly Day[]} days
 * @param {number} first
 * @param {Forecast} forecaster
 */
export function score(days, first, forecaster) {
  return forecast.map((column) => {
    const leads = Array.from({ length: horizon }, (_, i) => {
      let [absolute, square, count] = [0, 0, 0];
      for (let start = first; start + horizon <= days.length; start++) {
        const day = days[start + i];
        if (!day) continue;
        const error = forecaster(days.slice(0, start), i + 1, column, day.dayOfYear) - day[column];
        absolute += Math.abs(error);
        square += error ** 2;
        count++;
      }
      return { lead: i + 1, mae: absolute / count, rmse: Math.sqrt(square / count), forecasts: count };
    });
    return { column, leads };
  });
}
