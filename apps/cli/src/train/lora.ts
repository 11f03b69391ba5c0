import { type LoraConfigInput, mambaLinears } from "@mamba/core";
import { readNumber, usage } from "../args.ts";

/** Flags of a training run that trains an adapter and not the model. */
export const loraFlags = {
  lora: {
    type: "string",
    valueHint: "rank",
    description: "Train a LoRA adapter of this rank for --model, whose weights stay as they are",
  },
  "lora-alpha": {
    type: "string",
    valueHint: "alpha",
    description: "The adapter is scaled by alpha / rank; default: twice the rank",
  },
  "lora-targets": {
    type: "string",
    valueHint: "a,b",
    description: `Of ${mambaLinears.join(", ")}; default: in_proj,x_proj,out_proj`,
  },
} as const;

/**
 * The adapter that the flags ask for, if they do.
 *
 * @throws CliError `USAGE`
 */
export function readLora(values: {
  readonly model: string | undefined;
  readonly lora: string | undefined;
  readonly "lora-alpha": string | undefined;
  readonly "lora-targets": string | undefined;
}): LoraConfigInput | undefined {
  const rank = readNumber("lora", values.lora, { whole: true, min: 1 });
  const alpha = readNumber("lora-alpha", values["lora-alpha"], { min: Number.MIN_VALUE });
  const targets = values["lora-targets"]?.split(",").map((name): string => {
    const target = mambaLinears.find((known) => known === name.trim());
    if (target !== undefined) return target;
    throw usage(`--lora-targets must be of ${mambaLinears.join(", ")}, got ${JSON.stringify(name)}`);
  });
  if (rank === undefined) {
    if (alpha === undefined && targets === undefined) return undefined;
    throw usage("--lora-alpha and --lora-targets need --lora <rank>");
  }
  if (values.model === undefined) throw usage("--lora adapts a checkpoint: it needs --model <folder>");
  return { rank, alpha, targets, base: values.model };
}
