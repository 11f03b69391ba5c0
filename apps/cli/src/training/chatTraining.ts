import type { ChatFile, ChatSource } from "@mamba/train/node";
import { chatTemplateOf, openChat } from "../data/openChat.ts";
import type { DataRecipe, Reader } from "../data/openSource.ts";
import { usage } from "../program/errors.ts";
import type { Host } from "../program/host.ts";
import { type HeldOut, type HeldOutOptions, heldOutExamples } from "./heldOut.ts";
import { readPrompts, sampleAnswers } from "./sampleAnswers.ts";
import type { TrainingData } from "./trainingData.ts";

/** Held-out prompts that are answered at each evaluation. */
const samples = 3;

/**
 * Opens the conversations to train on, and those that are held out: of another file, or chosen from the same.
 *
 * @throws CliError `USAGE` when options do not fit each other; the errors of `openChat`
 */
export async function openChatTraining(
  recipe: DataRecipe,
  request: HeldOutOptions,
  reader: Reader,
  host: Host,
): Promise<TrainingData> {
  const { seed, heldOut: fraction = 0, length: packTo } = recipe;
  const { evalData } = request;
  if (fraction === 0 && evalData === undefined && (request.evalEvery ?? request.evalExamples) !== undefined) {
    throw usage("--eval-every and --eval-examples need --held-out <fraction> or --eval-data <file>");
  }
  const data = await openChat(recipe, reader, host);
  let other: ChatFile | undefined;
  const close = async () => {
    await other?.close();
    await data.close();
  };
  try {
    other = evalData === undefined ? undefined : await openChat({ ...recipe, path: evalData }, reader, host);
    const parts: { train: ChatSource; heldOut?: ChatSource } =
      other || fraction === 0 ? { train: data } : data.split(fraction, seed);
    const held = other ?? parts.heldOut;
    return {
      source: parts.train,
      heldOut: held && (await heldOutOf(held, recipe, request, reader)),
      packTo,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function heldOutOf(
  source: ChatSource,
  recipe: DataRecipe,
  { evalEvery, evalExamples }: HeldOutOptions,
  { tokenizer }: Reader,
): Promise<HeldOut> {
  const examples = heldOutExamples(source, evalExamples);
  const every = (steps: number) => evalEvery ?? Math.ceil(steps / 10);
  if (!tokenizer) return { source, examples, every };
  const options = {
    tokenizer,
    template: await chatTemplateOf(recipe, tokenizer),
    variables: recipe.variables,
  };
  const prompts = await readPrompts(source, samples, options);
  return {
    source,
    examples,
    every,
    sample: (model, signal) => sampleAnswers(model, prompts, options, signal),
  };
}
