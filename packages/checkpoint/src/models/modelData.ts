import type { SequenceConfig, VisionConfig } from "@mamba/core";
import type { JsonObject } from "@mamba/core/safetensors";
import { Fields } from "../json/fields.ts";

/** How images become the input of a vision model: `(pixel - mean) / std` for each channel, with pixels from 0 to 1. */
export interface ImagesData {
  readonly kind: "images";
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** One for each channel. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** The name of each class. */
  readonly labels: readonly string[];
}

/** How a table becomes the input of a sequence model, `(value - mean) / std` for each column, and what its outputs are. */
export interface SeriesData {
  readonly kind: "series";
  /** The input: a channel for each. */
  readonly columns: readonly string[];
  /** The columns that are predicted. */
  readonly targets: readonly string[];
  /** One for each of `columns`. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Rows that the model reads for a prediction. */
  readonly context: number;
  /** Rows that it predicts. */
  readonly horizon: number;
  /** The quantiles that the outputs are, for each target. Default: one number for each target. */
  readonly levels?: readonly number[] | undefined;
  /** The outputs are differences from the last row that the model reads. Default: they are the values. */
  readonly relative?: true | undefined;
}

/** How the inputs of a model are prepared: kept in its config.json, for programs that use the model later. */
export type ModelData = ImagesData | SeriesData;

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
