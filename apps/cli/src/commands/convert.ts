import { openBackend } from "../backend.ts";
import { checkTarget } from "../checkpoint-target.ts";
import { command } from "../command.ts";
import { formatBytes } from "../format.ts";
import { note } from "../host.ts";
import { loadModel } from "../model.ts";

export default command({
  name: "convert",
  description: "Write a checkpoint again in the Hugging Face layout, its large matrices in another type",
  args: {
    model: {
      type: "positional",
      required: true,
      description: "Checkpoint folder, or a model's name on the hub",
    },
    folder: { type: "positional", required: true, description: "Where to write; made when it is not there" },
    dtype: {
      type: "enum",
      options: ["f32", "f16", "bf16"],
      description: "Storage of the large matrices; default: as they are",
    },
    force: { type: "boolean", description: "Replace a checkpoint that is there" },
  },
  async run({ model: source, folder, dtype, force }, host) {
    await checkTarget(folder, force);
    const { inspectCheckpoint, saveCheckpoint } = await import("@mamba/checkpoint");
    await using kernel = await openBackend("cpu", 1, host);
    const { model, tokenizer } = await loadModel(kernel, source, undefined, host);
    using _ = model;
    await saveCheckpoint(model, folder, { tokenizer, dtype });
    const { weightBytes } = await inspectCheckpoint(folder);
    note(host, `wrote ${folder}: ${formatBytes(weightBytes)} of weights`);
  },
});
