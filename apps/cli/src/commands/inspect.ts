import type { GgufMetadata, GgufValue, ModelSummary } from "@mamba/checkpoint";
import { printable } from "@mamba/kernel";
import { formatBytes, formatCount, table } from "@mamba/display";
import { describedConfig, plainConfig } from "../checkpoints/describedConfig.ts";
import { hubOptions, offlineOption } from "../checkpoints/loadModel.ts";
import { colorsOf } from "../program/colors.ts";
import { createCommand } from "../program/command.ts";
import { note, print, printJson, type Host } from "../program/host.ts";

export default (host: Host) =>
  createCommand(
    "inspect",
    "Show the config, tensors and sizes of a checkpoint, without loading its weights",
    ["state-spaces/mamba-130m-hf", "my-model --json", "mamba.Q4_K_M.gguf"],
  )
    .argument("<model>", "Checkpoint folder, GGUF file, or a model's name on the hub")
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
      if (json) {
        const metadata = metadataOf(summary);
        const plain = metadata && {
          metadata: Object.fromEntries([...metadata].map(([key, value]) => [key, inJson(value)])),
        };
        const config = plainConfig(summary.config);
        return printJson(host, { ...summary, config, ...plain, randomWeights: random ?? null });
      }
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
    ["types", typesOf(tensors)],
    ...(summary.kind === "language" ? [["tokenizer", tokenizerOf(summary)]] : []),
  ];
  return [
    bold(label),
    table(facts),
    `\n${bold("config")}`,
    table(fieldsOf(describedConfig(config))),
    ...(summary.kind === "language" || summary.data === undefined
      ? []
      : [`\n${bold("data")}`, table(fieldsOf(summary.data))]),
    ...metadataTable(metadataOf(summary), bold),
    `\n${bold("tensors")}`,
    table(rows, [3]),
    "",
  ].join("\n");
}

/** Bytes of each storage type, the largest first. */
function typesOf(tensors: ModelSummary["tensors"]): string {
  const bytes = new Map<string, number>();
  for (const { dtype, byteLength } of tensors) bytes.set(dtype, (bytes.get(dtype) ?? 0) + byteLength);
  return [...bytes]
    .sort(([, a], [, b]) => b - a)
    .map(([dtype, count]) => `${dtype} ${formatBytes(count)}`)
    .join(", ");
}

function metadataOf(summary: ModelSummary): GgufMetadata | undefined {
  return summary.kind === "language" ? summary.metadata : undefined;
}

/** Most characters of a value that are shown. */
const shownCharacters = 80;

function metadataTable(metadata: GgufMetadata | undefined, bold: (text: string) => string): string[] {
  if (metadata === undefined) return [];
  const rows = [...metadata].map(([key, found]) => {
    const text = found.type === "array" ? `${found.value.length} × ${found.items}` : String(found.value);
    const short = text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text;
    return [printable(key), printable(short)];
  });
  return [`\n${bold("metadata")}`, table(rows)];
}

/** A value of the metadata in JSON. Arrays, such as the tokens of a vocabulary, are described; large integers are strings of digits. */
function inJson(found: GgufValue): unknown {
  if (found.type === "array") return { items: found.items, count: found.value.length };
  return typeof found.value === "bigint" ? String(found.value) : found.value;
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
