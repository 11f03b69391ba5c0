import { convertModel, fileTypes } from "../checkpoints/convertModel.ts";
import { offlineOption } from "../checkpoints/loadModel.ts";
import { createCommand } from "../program/command.ts";
import type { Host } from "../program/host.ts";
import { choiceOption } from "../program/options.ts";

const examples = [
  "state-spaces/mamba-130m-hf mamba-130m.gguf --type q4_k_m",
  "mamba-130m.Q8_0.gguf my-model --type f16",
  "my-model my-model-f16 --type f16",
  "org/name-GGUF mamba-130m.gguf --file Q8_0",
];

export default (host: Host) =>
  createCommand(
    "convert",
    "Write a checkpoint as a GGUF file or a Hugging Face folder, its large matrices in another type",
    examples,
  )
    .argument("<model>", "Checkpoint folder, GGUF file, or a model's name on the hub")
    .argument(
      "<target>",
      "GGUF file (a name that ends in .gguf) or folder to write, made if it does not exist",
    )
    .addOption(
      choiceOption(
        "--type <type>",
        "Type of the large matrices; a folder has f32, f16 or bf16 (default: as they are; f32 for quantised ones in a folder)",
        fileTypes,
        { ignoresCase: true },
      ),
    )
    .option("--file <name>", "The GGUF file of a place with several: its name, or the type in it")
    .option("--force", "Replace an existing target")
    .option("--json", "Print JSON")
    .addOption(offlineOption)
    .action((source, target, options) => convertModel({ source, target, ...options }, host));
