import type { LoraConfigInput } from "@mamba/core";
import { usage } from "../program/errors.ts";

/** Options of a run that trains an adapter instead of the model. */
export interface LoraOptions {
  readonly model?: string | undefined;
  /** The rank. */
  readonly lora?: number | undefined;
  readonly loraAlpha?: number | undefined;
  readonly loraTargets?: readonly string[] | undefined;
}

/**
 * The config of the adapter; undefined when the run trains the model.
 *
 * @throws CliError `USAGE`
 */
export function loraConfigOf(options: LoraOptions): LoraConfigInput | undefined {
  const { model, lora: rank, loraAlpha: alpha, loraTargets: targets } = options;
  if (rank === undefined) {
    if (alpha === undefined && targets === undefined) return undefined;
    throw usage("--lora-alpha and --lora-targets need --lora <rank>");
  }
  if (model === undefined) throw usage("--lora adapts a checkpoint: it needs --model <folder>");
  return { rank, alpha, targets, base: model };
}

/** `in_proj,q_proj`. The model knows which layers it has. @throws CliError `USAGE` */
export function parseLoraTargets(text: string): string[] {
  return text.split(",").map((name) => {
    const target = name.trim();
    if (target !== "") return target;
    throw usage(
      `--lora-targets must be names of layers, such as in_proj,q_proj; got ${JSON.stringify(text)}`,
    );
  });
}
