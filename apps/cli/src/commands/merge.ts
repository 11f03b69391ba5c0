import { adapterFlag, attachAdapter } from "../adapter.ts";
import { readNumber } from "../args.ts";
import { backendFlags, openBackend } from "../backend.ts";
import { checkTarget } from "../checkpoint-target.ts";
import { command } from "../command.ts";
import { note } from "../host.ts";
import { loadModel } from "../model.ts";

export default command({
  name: "merge",
  description: "Fold a LoRA adapter into its model: a checkpoint that needs no adapter",
  args: {
    model: {
      type: "string",
      alias: "m",
      required: true,
      description: "Checkpoint folder, or a model's name on the hub (organisation/name)",
    },
    adapter: { ...adapterFlag.adapter, required: true, description: "LoRA adapter (PEFT's format)" },
    out: { type: "string", valueHint: "folder", required: true, description: "The merged checkpoint" },
    force: { type: "boolean", description: "Replace a checkpoint that is there" },
    ...backendFlags,
  },
  async run({ model: source, adapter: folder, out, force, backend, threads }, host) {
    const threadCount = readNumber("threads", threads, { whole: true, min: 1 });
    await checkTarget(out, force);
    const { mergeAdapter } = await import("@mamba/core");
    const { saveCheckpoint } = await import("@mamba/checkpoint");
    await using kernel = await openBackend(backend, threadCount, host);
    const { model, tokenizer } = await loadModel(kernel, source, undefined, host);
    using _model = model;
    using adapter = await attachAdapter(model, source, folder, host);
    if (adapter) await mergeAdapter(model, adapter);
    await saveCheckpoint(model, out, { tokenizer });
    note(host, `wrote ${out}`);
  },
});
