import { isQuantized } from "@mamba/kernel";
import { backendOption, openBackend, threadsOption } from "../backends/openBackend.ts";
import { attachAdapter } from "../checkpoints/attachAdapter.ts";
import { checkTarget } from "../checkpoints/checkTarget.ts";
import { loadModel, offlineOption } from "../checkpoints/loadModel.ts";
import { createCommand } from "../program/command.ts";
import { usage } from "../program/errors.ts";
import { note, type Host } from "../program/host.ts";
import { choiceOption } from "../program/options.ts";

export default (host: Host) =>
  createCommand("merge", "Fold a LoRA adapter into its model, to a checkpoint that needs no adapter", [
    "-m my-model --adapter runs/lines/adapter --out my-model-with-lines",
  ])
    .requiredOption(
      "-m, --model <model>",
      "Checkpoint folder, GGUF file, or a model's name on the hub (organisation/name)",
    )
    .requiredOption("--adapter <folder>", "LoRA adapter (PEFT's format)")
    .requiredOption("--out <folder>", "Folder of the merged checkpoint")
    .addOption(
      choiceOption("--dtype <type>", "Storage of the merged matrices (default: as in the file)", [
        "f32",
        "f16",
        "bf16",
      ]),
    )
    .option("--force", "Replace an existing checkpoint")
    .addOption(offlineOption)
    .addOption(backendOption)
    .addOption(threadsOption)
    .action(async ({ model: source, offline, adapter: folder, out, dtype, force = false, ...backend }) => {
      await checkTarget(out, force);
      const { mergeAdapter } = await import("@mamba/core");
      const { saveCheckpoint } = await import("@mamba/checkpoint");
      await using kernel = await openBackend(backend, host);
      const { model, tokenizer, stopIds } = await loadModel(kernel, { model: source, offline }, dtype, host);
      using _model = model;
      const quantized = [...model.parameters.values()].find((tensor) => isQuantized(tensor.dtype));
      if (quantized)
        throw usage(
          `the model is ${quantized.dtype}: --dtype f16 (or f32, bf16) dequantises it for the sums`,
        );
      using adapter = await attachAdapter(model, source, folder, host);
      if (adapter) await mergeAdapter(model, adapter);
      await saveCheckpoint(model, out, { tokenizer, stopIds });
      note(host, `wrote ${out}`);
    });
