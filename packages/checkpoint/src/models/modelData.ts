import type { ImagesData, ModelData, SequenceConfig, SeriesData, VisionConfig } from "@mamba/core";
import type { JsonObject } from "@mamba/core/safetensors";
import { Fields } from "../json/fields.ts";

/**
 * Checks the data of a vision model.
 *
 * @param name of the object, for messages
 * @throws CheckpointError `CONFIG`, naming the field
 */
export function imagesData(json: JsonObject, config: VisionConfig, name: string): ImagesData {
  const fields = new Fields(json, name);
  requireKind(fields, "images", "a vision model");
  fields.checkKnown(["kind", "height", "width", "channels", "mean", "std", "labels"]);
  const { height, width, channels, classes } = config;
  for (const [field, expected] of Object.entries({ height, width, channels })) {
    const value = fields.count(field) ?? fields.missing(field);
    if (value !== expected)
      fields.wrong(`the field ${field} must be that of the model, ${expected}, got ${value}`);
  }
  return {
    kind: "images",
    height,
    width,
    channels,
    ...scaling(fields, channels, "channel"),
    labels: fields.names("labels", classes) ?? fields.missing("labels"),
  };
}

/**
 * Checks the data of a sequence model.
 *
 * @param name of the object, for messages
 * @throws CheckpointError `CONFIG`, naming the field
 */
export function seriesData(json: JsonObject, config: SequenceConfig, name: string): SeriesData {
  const fields = new Fields(json, name);
  requireKind(fields, "series", "a sequence model");
  fields.checkKnown([
    "kind",
    "columns",
    "targets",
    "mean",
    "std",
    "context",
    "horizon",
    "levels",
    "relative",
  ]);
  const { input, outputs } = config;
  if (input.kind !== "values")
    return fields.wrong("data of the kind series needs a model of values, got one of tokens");
  const columns = fields.names("columns", input.channels) ?? fields.missing("columns");
  const targets = fields.names("targets") ?? fields.missing("targets");
  const stranger = targets.find((target) => !columns.includes(target));
  if (stranger !== undefined)
    fields.wrong(`the field targets must be some of columns, got ${JSON.stringify(stranger)}`);
  const isLevels = (values: readonly number[]) =>
    values.length > 0 && values.every((level, i) => level > (values[i - 1] ?? 0) && level < 1);
  const levels = fields.numbers("levels", "increasing numbers above 0 and below 1", isLevels);
  const horizon = fields.count("horizon") ?? fields.missing("horizon");
  const perRow = targets.length * (levels?.length ?? 1);
  if (outputs !== perRow && outputs !== perRow * horizon) {
    const parts = `${targets.length} targets, ${levels ? `${levels.length} levels and ` : ""}horizon ${horizon}`;
    fields.wrong(`${parts} need ${perRow} outputs or ${perRow * horizon}, the model has ${outputs}`);
  }
  return {
    kind: "series",
    columns,
    targets,
    ...scaling(fields, columns.length, "column"),
    context: fields.count("context") ?? fields.missing("context"),
    horizon,
    ...(levels && { levels }),
    ...(fields.boolean("relative") === true && { relative: true }),
  };
}

function requireKind(fields: Fields, kind: ModelData["kind"], model: string): void {
  const found = fields.string("kind") ?? fields.missing("kind");
  if (found !== kind)
    fields.wrong(`the field kind must be "${kind}" for ${model}, got ${JSON.stringify(found)}`);
}

function scaling(fields: Fields, count: number, what: string): Pick<ModelData, "mean" | "std"> {
  const isOneEach = (values: readonly number[]) => values.length === count;
  const isScale = (values: readonly number[]) => isOneEach(values) && values.every((value) => value > 0);
  const each = `${count} numbers, one for each ${what}`;
  return {
    mean: fields.numbers("mean", each, isOneEach) ?? fields.missing("mean"),
    std: fields.numbers("std", `${each}, above 0`, isScale) ?? fields.missing("std"),
  };
}
