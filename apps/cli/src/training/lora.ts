import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { LoraConfigInput } from "@mamba/core";
import type { LanguageTask } from "../data/tasks.ts";
import { usage } from "../program/errors.ts";

/** Options of a run that trains an adapter instead of the model. */
export interface LoraOptions {
  readonly model?: string | undefined;
  /** The rank. */
  readonly lora?: number | undefined;
  readonly loraAlpha?: number | undefined;
  readonly loraTargets?: readonly string[] | undefined;
  /** True to train all weights where an adapter is the default. */
  readonly full?: true | undefined;
}

/** The rank of a run of chat that gives none. */
const chatRank = 16;

/**
 * The config of the adapter; undefined when the run trains the model.
 *
 * @throws CliError `USAGE`
 */
export function loraConfigOf(task: LanguageTask, options: LoraOptions): LoraConfigInput | undefined {
  const { model, full, lora, loraAlpha: alpha, loraTargets: targets } = options;
  if (full && task !== "chat")
    throw usage("--full is for chat; other tasks train all weights without --lora");
  if (full && lora !== undefined)
    throw usage("--full trains all weights, --lora an adapter: give one of them");
  const isDefault = task === "chat" && model !== undefined && !full;
  const rank = lora ?? (isDefault ? chatRank : undefined);
  if (rank === undefined) {
    if (alpha === undefined && targets === undefined) return undefined;
    throw usage("--lora-alpha and --lora-targets need --lora <rank>");
  }
  if (model === undefined) throw usage("--lora adapts a checkpoint: it needs --model <folder>");
  // A folder or file is named by its whole path, so that the adapter finds it from any working directory.
  return { rank, alpha, targets, base: existsSync(model) ? resolve(model) : model };
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
