import { backendOption, openBackend, threadsOption } from "../backends/openBackend.ts";
import { attachAdapter } from "../checkpoints/attachAdapter.ts";
import { checkTarget, checkTargetFile } from "../checkpoints/checkTarget.ts";
import { loadModel, offlineOption } from "../checkpoints/loadModel.ts";
import { createCommand } from "../program/command.ts";
import { usage } from "../program/errors.ts";
import { note, type Host } from "../program/host.ts";
import { choiceOption } from "../program/options.ts";

export default (host: Host) =>
  createCommand("merge", "Fold a LoRA adapter into its model, to a checkpoint that needs no adapter", [
    "-m my-model --adapter runs/lines/adapter --out my-model-with-lines",
    "-m my-model.Q8_0.gguf --adapter runs/lines/adapter --requantize --out with-lines.Q8_0.gguf",
  ])
    .requiredOption(
      "-m, --model <model>",
      "Checkpoint folder, GGUF file, or a model's name on the hub (organisation/name)",
    )
    .requiredOption("--adapter <folder>", "LoRA adapter (PEFT's format)")
    .requiredOption("--out <path>", "Folder of the merged checkpoint, or a .gguf file")
    .addOption(
      choiceOption("--dtype <type>", "Storage of the matrices, before the sums (default: as in the file)", [
        "f32",
        "f16",
        "bf16",
      ]),
    )
    .option("--requantize", "Quantise the sums again where the model is quantised; --out is a .gguf file")
    .option("--force", "Replace an existing checkpoint")
    .addOption(offlineOption)
    .addOption(backendOption)
    .addOption(threadsOption)
    .action(
      async ({
        model: source,
        offline,
        adapter: folder,
        out,
        dtype,
        requantize,
        force = false,
        ...backend
      }) => {
        const isGguf = out.endsWith(".gguf");
        if (requantize && !isGguf) throw usage("--requantize needs an --out that ends with .gguf");
        await (isGguf ? checkTargetFile : checkTarget)(out, force);
        const { mergeAdapter } = await import("@mamba/core");
        const { saveCheckpoint, saveGguf } = await import("@mamba/checkpoint");
        await using kernel = await openBackend(backend, host);
        const { model, tokenizer, stopIds } = await loadModel(
          kernel,
          { model: source, offline },
          dtype,
          host,
        );
        using _model = model;
        using adapter = await attachAdapter(model, source, folder, host);
        if (adapter) await mergeAdapter(model, adapter, { requantize });
        if (isGguf) {
          const { notes } = await saveGguf(model, out, { tokenizer, stopIds });
          for (const text of notes) note(host, `note: ${text}`);
        } else await saveCheckpoint(model, out, { tokenizer, stopIds });
        note(host, `wrote ${out}`);
      },
    );
