import type { ChatMessage, Tool } from "@mamba/chat";
import { describeError } from "../program/errors.ts";
import { note, printJson, type Host } from "../program/host.ts";
import { openAiMessage, saveConversation } from "./conversationFile.ts";
import { describeStats, tokensPerSecond } from "./describeStats.ts";
import type { ChatModel, Conversation } from "./openChat.ts";
import { printAnswer, type TimedAnswer } from "./printAnswer.ts";
import type { AnswerSettings } from "./settings.ts";

interface OneAnswer {
  readonly model: ChatModel;
  readonly conversation: Conversation;
  readonly settings: AnswerSettings;
  readonly tools: readonly Tool[] | undefined;
  readonly save?: string | undefined;
  readonly json?: true | undefined;
  readonly stats?: true | undefined;
}

/**
 * Answers one message: prints the answer as it comes, or JSON at its end, and saves the conversation.
 *
 * @throws CliError `USAGE`, ChatError, the errors of the model; Stop after a signal, once the answer so far is printed and saved
 */
export async function answerOnce(message: string, request: OneAnswer, host: Host): Promise<void> {
  const { model, conversation, save, json } = request;
  const { freshSeed } = await import("@mamba/core");
  const seed = request.settings.seed ?? freshSeed();
  const isRandom = (request.settings.temperature ?? 1) > 0;
  if (isRandom && request.settings.seed === undefined && !json)
    note(host, `note: --seed ${seed} repeats this answer`);
  await using _conversation = { [Symbol.asyncDispose]: async () => conversation.dispose() };
  const failures: unknown[] = [];
  let answer: TimedAnswer | undefined;
  try {
    const options = { ...request.settings, seed, signal: host.signal };
    const start = (onProgress: (done: number, total: number) => void) =>
      conversation.send(message, { ...options, onProgress });
    answer = await printAnswer(start, host, json);
  } catch (error) {
    failures.push(error);
  }
  // The part of an answer that a signal has stopped is the last message.
  if (save !== undefined && (answer !== undefined || host.signal.aborted)) {
    try {
      await saveConversation(conversation, save, request.tools);
    } catch (error) {
      failures.unshift(error);
    }
  }
  if (json && answer !== undefined) await printJson(host, jsonOf(answer, model, seed, conversation.messages));
  if (request.stats && answer !== undefined) note(host, describeStats(answer));
  // All but the last are reported here; the caller reports that one and gives the exit code.
  for (const failure of failures.slice(0, -1)) note(host, describeError(failure));
  if (failures.length > 0) throw failures.at(-1);
}

function jsonOf(answer: TimedAnswer, { about }: ChatModel, seed: number, messages: readonly ChatMessage[]) {
  const { finish, message, usage } = answer.end;
  return {
    model: about.label,
    backend: { name: about.backend, device: about.device },
    seed,
    message: openAiMessage(message),
    finish,
    usage,
    stats: {
      firstTokenSeconds: answer.waitSeconds,
      answerSeconds: answer.answerSeconds,
      tokensPerSecond: tokensPerSecond(answer),
    },
    messages: messages.map(openAiMessage),
  };
}
