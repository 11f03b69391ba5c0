import { readFileSync } from "node:fs";

// The days of the weather recipe: Seattle, 2012 to 2015, from `seattle-weather.csv` of the npm package vega-datasets. The
// measurements are NOAA's, a work of the U.S. government, and free of copyright.

/** The columns of numbers. The file also has a word for the weather of a day, which is left out. */
export const measured = /** @type {const} */ (["precipitation", "temp_max", "temp_min", "wind"]);
/** The columns to forecast, in degrees Celsius. */
export const forecast = /** @type {const} */ (["temp_max", "temp_min"]);
/** Days from the last known one to the last that is forecast. */
export const horizon = 7;
/** The first day of the held-out year: everything before it may be learned from, nothing after it. */
export const firstHeldOut = "2015-01-01";

/**
 * @typedef {Readonly<Record<typeof measured[number], number>>} Measurements
 * @typedef {Measurements & { readonly date: string, readonly dayOfYear: number }} Day
 */

/** Days before each month of a leap year. */
const before = [0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335];

/** The place of a date in a calendar of 366 days, from 0: the same for a date in every year. @param {string} date */
function dayOfYear(date) {
  const [, month = 0, day = 0] = date.split("-").map(Number);
  return (before[month - 1] ?? NaN) + day - 1;
}

/**
 * @param {string} file
 * @returns {Day[]} consecutive days
 */
export function readDays(file) {
  const [header = "", ...lines] = readFileSync(file, "utf8").trimEnd().split(/\r?\n/);
  const columns = header.split(",");
  const days = lines.map((line, i) => {
    const cells = line.split(",");
    const cell = (/** @type {string} */ name) => cells[columns.indexOf(name)] ?? "";
    const date = cell("date");
    const numbers = measured.map((name) => {
      const value = cell(name) === "" ? NaN : Number(cell(name));
      if (!Number.isFinite(value)) {
        throw new Error(
          `${file}, line ${i + 2}: ${name} must be a number, got ${JSON.stringify(cell(name))}`,
        );
      }
      return /** @type {const} */ ([name, value]);
    });
    const values = /** @type {Measurements} */ (Object.fromEntries(numbers));
    return { date, dayOfYear: dayOfYear(date), ...values };
  });
  const time = (/** @type {Day | undefined} */ day) => Date.parse(day?.date ?? "");
  const gap = days.findIndex((day, i) => i > 0 && time(day) - time(days[i - 1]) !== 86_400_000);
  if (gap !== -1)
    throw new Error(
      `${file}, line ${gap + 2}: expected the day after ${days[gap - 1]?.date}, got ${days[gap]?.date}`,
    );
  return days;
}
