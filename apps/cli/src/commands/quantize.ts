import { convertModel, fileTypes, isGgufTarget } from "../checkpoints/convertModel.ts";
import { offlineOption } from "../checkpoints/loadModel.ts";
import { createCommand } from "../program/command.ts";
import { usage } from "../program/errors.ts";
import type { Host } from "../program/host.ts";
import { choiceOption } from "../program/options.ts";

export default (host: Host) =>
  createCommand("quantize", "Write a checkpoint as a GGUF file of a type: `convert` with a type", [
    "state-spaces/mamba-130m-hf mamba-130m.Q4_K_M.gguf --type q4_k_m",
  ])
    .argument("<model>", "Checkpoint folder, GGUF file, or a model's name on the hub")
    .argument("<target>", "GGUF file to write")
    .addOption(
      choiceOption("--type <type>", "Type of the large matrices", fileTypes, {
        ignoresCase: true,
      }).makeOptionMandatory(),
    )
    .option("--file <name>", "The GGUF file of a place with several: its name, or the type in it")
    .option("--force", "Replace an existing file")
    .option("--json", "Print JSON")
    .addOption(offlineOption)
    .action((source, target, options) => {
      if (!isGgufTarget(target)) throw usage(`<target> must end in .gguf, got ${JSON.stringify(target)}`);
      return convertModel({ source, target, ...options }, host);
    });
