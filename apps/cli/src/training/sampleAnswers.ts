import { generate, type MambaLM } from "@mamba/core";
import { chatExamples, type ChatExamplesOptions, ignoreIndex } from "@mamba/train";
import type { ChatSource } from "@mamba/train/node";

/** A greedy answer to a held-out prompt. */
export interface SampleAnswer {
  /** The last message before the answer. */
  readonly prompt: string;
  /** The answer in the data. */
  readonly expected: string;
  readonly answer: string;
}

/** The most tokens of a sample answer. */
const maxTokens = 64;

/** A prompt, and the answer that follows in the data. */
export interface SamplePrompt {
  readonly ids: number[];
  readonly message: string;
  readonly expected: readonly number[];
}

/** The first prompts of some conversations, spread over the source. */
export async function readPrompts(
  source: ChatSource,
  count: number,
  options: ChatExamplesOptions,
): Promise<SamplePrompt[]> {
  const wanted = Math.min(count, source.count);
  const prompts: SamplePrompt[] = [];
  for (let i = 0; i < wanted; i++) {
    const { messages, tools } = await source.conversation(Math.floor((i * source.count) / wanted));
    const asked = messages.findIndex(({ role }) => role === "user" || role === "tool");
    const answer = messages.findIndex(({ role }, at) => role === "assistant" && at > asked);
    const cut = { messages: messages.slice(0, answer + 1), tools };
    for (const { ids, targets } of chatExamples(cut, options).examples) {
      const start = targets.findIndex((target) => target !== ignoreIndex);
      const message = messages[answer - 1]?.content ?? "";
      prompts.push({ ids: [...ids.subarray(0, start + 1)], message, expected: [...targets.subarray(start)] });
    }
  }
  return prompts;
}

/** Answers prompts greedily, each with at most 64 tokens. */
export async function sampleAnswers(
  model: MambaLM,
  prompts: readonly SamplePrompt[],
  { tokenizer }: Pick<ChatExamplesOptions, "tokenizer">,
  signal: AbortSignal,
): Promise<SampleAnswer[]> {
  const answers = prompts.map((): number[] => []);
  const ends = prompts.flatMap(({ expected }) => expected.slice(-1));
  const input = prompts.map(({ ids }) => ids);
  const options = {
    temperature: 0,
    maxTokens,
    stopIds: [...new Set([...tokenizer.stopIds, ...ends])],
    signal,
  };
  for await (const { row, id } of generate(model, input, options)) answers[row]?.push(id);
  return prompts.map(({ message, expected }, i) => ({
    prompt: message,
    expected: tokenizer.decode(expected),
    answer: tokenizer.decode(answers[i] ?? []),
  }));
}
