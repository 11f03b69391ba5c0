import type { CheckpointSummary } from "@mamba/checkpoint";
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
      const { inspectCheckpoint } = await import("@mamba/checkpoint");
      const { findRandomMarker } = await import("../checkpoints/randomWeights.ts");
      const summary = await inspectCheckpoint(model, {
        ...hubOptions({ offline }, host),
        signal: host.signal,
      });
      const random = await findRandomMarker(model);
      if (json) return printJson(host, { ...summary, randomWeights: random ?? null });
      await print(host, describe(summary, random, host));
      for (const text of summary.notes) note(host, `note: ${text}`);
    });

function describe(summary: CheckpointSummary, random: string | undefined, host: Host): string {
  const { bold, yellow } = colorsOf(host);
  const { label, format, config, tokenizerKind, noTokenizer, files, tensors, parameterCount, weightBytes } =
    summary;
  const fields = Object.entries(config).filter(([, value]) => value !== undefined);
  const rows = tensors.map(({ name, dtype, shape, byteLength }) => [
    printable(name),
    dtype,
    `[${shape.join(", ")}]`,
    formatBytes(byteLength),
  ]);
  const facts = [
    ["format", format],
    ["weights", random === undefined ? files.join(", ") : yellow(`random, untrained (${random})`)],
    ["parameters", `${formatCount(parameterCount)} (${parameterCount})`],
    ["size", `${formatBytes(weightBytes)} in ${tensors.length} tensors`],
    ["tokenizer", noTokenizer === undefined ? tokenizerKind : `none: ${noTokenizer}`],
  ];
  return [
    bold(label),
    table(facts),
    `\n${bold("config")}`,
    table(fields.map(([field, value]) => [field, printable(String(value))])),
    `\n${bold("tensors")}`,
    table(rows, [3]),
    "",
  ].join("\n");
}
