import { modelPresetNames } from "@mamba/bench/presets";
import { checkTarget } from "../checkpoints/checkTarget.ts";
import { createCommand } from "../program/command.ts";
import type { Host } from "../program/host.ts";
import { choiceArgument, choiceOption, numberOption } from "../program/options.ts";

export default (host: Host) =>
  createCommand("init", "Write a checkpoint with random weights at a model's real shape", [
    "tiny my-model",
    "mamba-130m random-130m --dtype f16 --seed 1",
    "granite-4.0-h-350m random-granite --dtype bf16",
  ])
    .addArgument(choiceArgument("<preset>", "Shape of the model", modelPresetNames))
    .argument("<folder>", "Folder to write, made if it does not exist")
    .addOption(
      choiceOption("--dtype <type>", "Storage of the large matrices", ["f32", "f16", "bf16"]).default("f32"),
    )
    .addOption(numberOption("--seed <number>", "Equal seeds give equal weights", { whole: true }).default(0))
    .option("--force", "Replace an existing checkpoint")
    .action(async (preset, folder, { dtype, seed, force = false }) => {
      await checkTarget(folder, force);
      const { writeRandomCheckpoint } = await import("../checkpoints/writeRandomCheckpoint.ts");
      await writeRandomCheckpoint(folder, { preset, dtype, seed }, host);
    });
