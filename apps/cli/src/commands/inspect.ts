import type { CheckpointSummary } from "@mamba/checkpoint";
import pc from "picocolors";
import { command } from "../command.ts";
import { formatBytes, formatCount, table } from "../format.ts";
import { note, print, printJson, type Host } from "../host.ts";
import { hubOptions } from "../model.ts";

export default command({
  name: "inspect",
  description: "Show the config, tensors and sizes of a checkpoint, without loading its weights",
  args: {
    model: {
      type: "positional",
      required: true,
      description: "Checkpoint folder, or a model's name on the hub",
    },
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ model, json }, host) {
    const { inspectCheckpoint } = await import("@mamba/checkpoint");
    const { findRandomMarker } = await import("../random-weights.ts");
    const summary = await inspectCheckpoint(model, { ...hubOptions(host), signal: host.signal });
    const random = await findRandomMarker(model);
    if (json) return printJson(host, { ...summary, randomWeights: random ?? null });
    await print(host, describe(summary, random, host));
    for (const text of summary.notes) note(host, `note: ${text}`);
  },
});

function describe(summary: CheckpointSummary, random: string | undefined, { stdout }: Host): string {
  const { bold, yellow } = pc.createColors(stdout.isTTY === true);
  const { label, format, config, tokenizerKind, files, tensors, parameterCount, weightBytes } = summary;
  const fields = Object.entries(config).filter(([, value]) => value !== undefined);
  const rows = tensors.map(({ name, dtype, shape, byteLength }) => [
    name,
    dtype,
    `[${shape.join(", ")}]`,
    formatBytes(byteLength),
  ]);
  const facts = [
    ["format", format],
    ["weights", random === undefined ? files.join(", ") : yellow(`random, untrained (${random})`)],
    ["parameters", `${formatCount(parameterCount)} (${parameterCount})`],
    ["size", `${formatBytes(weightBytes)} in ${tensors.length} tensors`],
    ["tokenizer", tokenizerKind],
  ];
  return [
    bold(label),
    table(facts),
    `\n${bold("config")}`,
    table(fields.map(([field, value]) => [field, String(value)])),
    `\n${bold("tensors")}`,
    table(rows, [3]),
    "",
  ].join("\n");
}
