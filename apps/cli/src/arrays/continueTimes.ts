/** A column of times, and how it goes on. */
type Continue = (steps: number) => string[];

/** The rows at the end that must be at one interval. */
const checkedRows = 32;

/**
 * The times after those of a column: dates (`2024-01-31`, also with `/`), dates with a time (`2024-01-31T06:00`, also with a space,
 * seconds and `Z`), months (`2024-01`) or numbers, when its last rows are at a regular interval: of days, of a time, of months,
 * or of a number.
 *
 * @returns undefined when the cells are something else or their interval is not regular
 */
export function continueTimes(cells: readonly string[], steps: number): string[] | undefined {
  const last = cells.slice(-checkedRows).map((cell) => cell.trim());
  if (last.length < 2) return undefined;
  const go = continueDates(last) ?? continueNumbers(last);
  return go?.(steps);
}

const dateForm =
  /^(\d{4})([-/])(\d{1,2})(?:\2(\d{1,2})(?:([T ])(\d{2}):(\d{2})(?::(\d{2})(\.\d{1,3})?)?(Z)?)?)?$/;

function continueDates(cells: readonly string[]): Continue | undefined {
  const matches = cells.map((cell) => dateForm.exec(cell));
  const form = matches.at(-1);
  if (!form || matches.some((match) => !match || formOf(match) !== formOf(form))) return undefined;
  const times = matches.map((match) => timeOf(match ?? form));
  const last = times.at(-1);
  if (last === undefined || times.some((time) => time === undefined)) return undefined;
  const months = times.map((time) => monthsOf(Number(time)));
  const step = commonDifference(months);
  const days = new Set(times.map((time) => new Date(Number(time)).getUTCDate()));
  if (step !== undefined && step > 0 && days.size === 1) {
    const month = monthsOf(last);
    const rest = last - startOfMonth(month);
    return (steps) =>
      Array.from({ length: steps }, (_, i) => write(startOfMonth(month + (i + 1) * step) + rest, form));
  }
  const difference = commonDifference(times.map(Number));
  if (form[4] === undefined || difference === undefined || difference <= 0) return undefined;
  return (steps) => Array.from({ length: steps }, (_, i) => write(last + (i + 1) * difference, form));
}

/** The difference of all neighbours; undefined when it is not the same for all. */
function commonDifference(values: readonly number[]): number | undefined {
  const differences = values.slice(1).map((value, i) => value - (values[i] ?? NaN));
  return differences.every((each) => each === differences[0]) ? differences[0] : undefined;
}

/** The parts that a cell has, and the widths of its month and day. */
function formOf([
  ,
  ,
  separator = "",
  ,
  day,
  mark = "",
  ,
  ,
  seconds,
  fraction,
  zone = "",
]: RegExpExecArray): string {
  const has = [day, seconds, fraction].map((part) => (part === undefined ? "-" : "+")).join("");
  return `${separator}${mark}${zone}${has}${fraction?.length ?? 0}`;
}

/** Milliseconds since 1970, as if in UTC; undefined for a date that does not exist. */
function timeOf([
  ,
  year,
  ,
  month,
  day = "1",
  ,
  hour = "0",
  minute = "0",
  second = "0",
  fraction = "0",
]: RegExpExecArray) {
  const [y, m, d] = [Number(year), Number(month) - 1, Number(day)];
  const date = Date.UTC(y, m, d);
  const exists = new Date(date).getUTCMonth() === m && new Date(date).getUTCDate() === d;
  if (!exists || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  const seconds = (Number(hour) * 60 + Number(minute)) * 60 + Number(second) + Number(fraction);
  return date + Math.round(seconds * 1000);
}

function monthsOf(time: number): number {
  const date = new Date(time);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

function startOfMonth(month: number): number {
  return Date.UTC(Math.floor(month / 12), month % 12, 1);
}

/** A time in the form of a cell. */
function write(time: number, form: RegExpExecArray): string {
  const [, , separator = "-", month = "", day, mark = "", , , seconds, fraction, zone = ""] = form;
  const [date = "", clock = ""] = new Date(time).toISOString().split("T");
  const parts = date.split("-");
  const padded = month.length === 2 && (day === undefined || day.length === 2);
  const isShort = !padded && cellHasShortParts(form);
  const named = parts
    .slice(0, day === undefined ? 2 : 3)
    .map((part, i) => (i > 0 && isShort ? String(Number(part)) : part));
  if (mark === "") return named.join(separator);
  const digits = seconds === undefined ? 5 : fraction === undefined ? 8 : 8 + fraction.length;
  return `${named.join(separator)}${mark}${clock.slice(0, digits)}${zone}`;
}

/** True for `2024/1/31`: months and days below 10 have one digit. */
function cellHasShortParts([, , , month = "", day = "10"]: RegExpExecArray): boolean {
  return month.length === 1 || day.length === 1;
}

function continueNumbers(cells: readonly string[]): Continue | undefined {
  if (!cells.every((cell) => /^[+-]?\d+(\.\d+)?$/.test(cell))) return undefined;
  const digits = Math.max(...cells.map((cell) => cell.split(".")[1]?.length ?? 0));
  // Whole numbers of the last digit: 0.1 + 0.2 would not be 0.3.
  const unit = 10 ** digits;
  const values = cells.map((cell) => Math.round(Number(cell) * unit));
  const difference = commonDifference(values) ?? 0;
  const last = values.at(-1) ?? 0;
  if (difference === 0) return undefined;
  return (steps) =>
    Array.from({ length: steps }, (_, i) => ((last + (i + 1) * difference) / unit).toFixed(digits));
}
