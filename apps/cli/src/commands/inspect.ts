import type { ModelSummary } from "@mamba/checkpoint";
import { printable } from "@mamba/kernel";
import { formatBytes, formatCount, table } from "@mamba/display";
import { hubOptions, offlineOption } from "../checkpoints/loadModel.ts";
import { colorsOf } from "../program/colors.ts";
import { createCommand } from "../program/command.ts";
import { note, print, printJson, type Host } from "../program/host.ts";

export default (host: Host) =>
  createCommand(
    "inspect",
    "Show the config, tensors and sizes of a checkpoint, without loading its weights",
    ["state-spaces/mamba-130m-hf", "my-model --json"],
  )
    .argument("<model>", "Checkpoint folder, or a model's name on the hub")
    .addOption(offlineOption)
    .option("--json", "Print JSON")
    .action(async (model, { json, offline }) => {
      const { inspectModel } = await import("@mamba/checkpoint");
      const { findRandomMarker } = await import("../checkpoints/randomWeights.ts");
      const summary = await inspectModel(model, {
        ...hubOptions({ offline }, host),
        signal: host.signal,
      });
      const random = await findRandomMarker(model);
      if (json) return printJson(host, { ...summary, randomWeights: random ?? null });
      await print(host, describe(summary, random, host));
      for (const text of summary.notes) note(host, `note: ${text}`);
    });

function describe(summary: ModelSummary, random: string | undefined, host: Host): string {
  const { bold, yellow } = colorsOf(host);
  const { label, config, files, tensors, parameterCount, weightBytes } = summary;
  const rows = tensors.map(({ name, dtype, shape, byteLength }) => [
    printable(name),
    dtype,
    `[${shape.join(", ")}]`,
    formatBytes(byteLength),
  ]);
  const facts = [
    [
      "kind",
      summary.kind === "language" ? `language model, format ${summary.format}` : `${summary.kind} model`,
    ],
    ["weights", random === undefined ? files.join(", ") : yellow(`random, untrained (${random})`)],
    ["parameters", `${formatCount(parameterCount)} (${parameterCount})`],
    ["size", `${formatBytes(weightBytes)} in ${tensors.length} tensors`],
    ...(summary.kind === "language" ? [["tokenizer", tokenizerOf(summary)]] : []),
  ];
  return [
    bold(label),
    table(facts),
    `\n${bold("config")}`,
    table(fieldsOf(config)),
    ...(summary.kind === "language" || summary.data === undefined
      ? []
      : [`\n${bold("data")}`, table(fieldsOf(summary.data))]),
    `\n${bold("tensors")}`,
    table(rows, [3]),
    "",
  ].join("\n");
}

function tokenizerOf({ tokenizerKind, noTokenizer }: Extract<ModelSummary, { kind: "language" }>): string {
  return noTokenizer === undefined ? tokenizerKind : `none: ${noTokenizer}`;
}

/** The fields of an object that are set, as text. */
function fieldsOf(object: object): string[][] {
  const show = (value: unknown): string => {
    if (Array.isArray(value)) return value.map(show).join(", ");
    return typeof value === "string" ? value : JSON.stringify(value);
  };
  return Object.entries(object)
    .filter(([, value]) => value !== undefined)
    .map(([field, value]) => [field, printable(show(value))]);
}
