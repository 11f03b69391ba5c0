import { formatBytes } from "@mamba/display";
import { openBackend } from "../backends/openBackend.ts";
import { checkTarget } from "../checkpoints/checkTarget.ts";
import { loadModel, offlineOption } from "../checkpoints/loadModel.ts";
import { createCommand } from "../program/command.ts";
import { note, type Host } from "../program/host.ts";
import { choiceOption } from "../program/options.ts";

export default (host: Host) =>
  createCommand(
    "convert",
    "Write a checkpoint again in the Hugging Face layout, its large matrices in another type",
    ["state-spaces/mamba-130m-hf my-model --dtype f16"],
  )
    .argument("<model>", "Checkpoint folder, or a model's name on the hub")
    .argument("<folder>", "Folder to write, made if it does not exist")
    .addOption(
      choiceOption("--dtype <type>", "Storage of the large matrices (default: as they are)", [
        "f32",
        "f16",
        "bf16",
      ]),
    )
    .option("--force", "Replace an existing checkpoint")
    .addOption(offlineOption)
    .action(async (source, folder, { dtype, force = false, offline }) => {
      await checkTarget(folder, force);
      const { inspectCheckpoint, saveCheckpoint } = await import("@mamba/checkpoint");
      await using kernel = await openBackend({ backend: "cpu", threads: 1 }, host);
      const { model, tokenizer, stopIds } = await loadModel(
        kernel,
        { model: source, offline },
        undefined,
        host,
      );
      using _model = model;
      await saveCheckpoint(model, folder, { tokenizer, stopIds, dtype });
      const { weightBytes } = await inspectCheckpoint(folder);
      note(host, `wrote ${folder}: ${formatBytes(weightBytes)} of weights`);
    });
