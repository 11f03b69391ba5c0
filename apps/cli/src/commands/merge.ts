import { backendOption, openBackend, threadsOption } from "../backends/openBackend.ts";
import { attachAdapter } from "../checkpoints/attachAdapter.ts";
import { checkTarget } from "../checkpoints/checkTarget.ts";
import { loadModel, offlineOption } from "../checkpoints/loadModel.ts";
import { createCommand } from "../program/command.ts";
import { note, type Host } from "../program/host.ts";

export default (host: Host) =>
  createCommand("merge", "Fold a LoRA adapter into its model, to a checkpoint that needs no adapter", [
    "-m my-model --adapter runs/lines/adapter --out my-model-with-lines",
  ])
    .requiredOption(
      "-m, --model <model>",
      "Checkpoint folder, or a model's name on the hub (organisation/name)",
    )
    .requiredOption("--adapter <folder>", "LoRA adapter (PEFT's format)")
    .requiredOption("--out <folder>", "Folder of the merged checkpoint")
    .option("--force", "Replace an existing checkpoint")
    .addOption(offlineOption)
    .addOption(backendOption)
    .addOption(threadsOption)
    .action(async ({ model: source, offline, adapter: folder, out, force = false, ...backend }) => {
      await checkTarget(out, force);
      const { mergeAdapter } = await import("@mamba/core");
      const { saveCheckpoint } = await import("@mamba/checkpoint");
      await using kernel = await openBackend(backend, host);
      const { model, tokenizer, stopIds } = await loadModel(
        kernel,
        { model: source, offline },
        undefined,
        host,
      );
      using _model = model;
      using adapter = await attachAdapter(model, source, folder, host);
      if (adapter) await mergeAdapter(model, adapter);
      await saveCheckpoint(model, out, { tokenizer, stopIds });
      note(host, `wrote ${out}`);
    });
