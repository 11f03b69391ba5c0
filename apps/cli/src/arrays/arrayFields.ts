import type { ArrayTask } from "../data/tasks.ts";
import { usage } from "../program/errors.ts";

/** The kinds of the fields of `data`. Ranges are checked where the values are used. */
const seriesFields = {
  ...({ path: "text", delimiter: "text", columns: "texts", targets: "texts" } as const),
  ...({ context: "number", horizon: "number", stride: "number", levels: "numbers" } as const),
  ...({ loss: "text", missing: "text", heldOut: "number", relative: "flag" } as const),
};
const imagesFields = {
  ...({ path: "text", labels: "text", height: "number", width: "number", channels: "number" } as const),
  ...({ shift: "number", heldOut: "number" } as const),
};
export const arrayFields = { series: seriesFields, images: imagesFields };

const kinds = {
  text: ["text", (value: unknown) => typeof value === "string"],
  flag: ["true or false", (value: unknown) => typeof value === "boolean"],
  number: ["a number", (value: unknown) => typeof value === "number"],
  texts: ["a list of text", (value: unknown) => isListOf(value, "string")],
  numbers: ["a list of numbers", (value: unknown) => isListOf(value, "number")],
} as const;

const choices: Readonly<Record<string, readonly string[]>> = {
  delimiter: [",", ";", "\t"],
  loss: ["squaredError", "huber"],
  missing: ["refuse", "previous", "ignore"],
};

function isListOf(value: unknown, type: string): boolean {
  return Array.isArray(value) && value.every((each) => typeof each === type);
}

/**
 * Checks the names and the types of the fields of `data`.
 *
 * @throws CliError `USAGE`
 */
export function checkData(task: ArrayTask, data: Readonly<Record<string, unknown>>): void {
  const known: Readonly<Record<string, keyof typeof kinds>> = arrayFields[task];
  for (const [field, value] of Object.entries(data)) {
    const kind = Object.hasOwn(known, field) ? known[field] : undefined;
    if (kind === undefined)
      throw usage(`${task} has no field ${field}; its fields are ${Object.keys(known).join(", ")}`);
    const [words, holds] = kinds[kind];
    if (!holds(value)) throw usage(`data.${field} must be ${words}, got ${JSON.stringify(value)}`);
    const choice = choices[field];
    if (choice && !choice.includes(value as string)) {
      throw usage(
        `data.${field} must be ${choice.map((each) => JSON.stringify(each)).join(", ")}, got ${JSON.stringify(value)}`,
      );
    }
  }
  if (data["path"] === undefined)
    throw usage(`${task} needs --data <${task === "series" ? "file" : "folder"}>`);
  if (task !== "series") return;
  if (data["columns"] === undefined)
    throw usage("series needs --columns <list>, the columns that the model reads");
  if (data["horizon"] === undefined)
    throw usage("series needs --horizon <rows>, the rows that the model forecasts");
}
