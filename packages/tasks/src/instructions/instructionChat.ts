import type { Conversation } from "../conversations/conversation.ts";
import type { ConversationMessage } from "../conversations/scene.ts";
import { instruction } from "./instruction.ts";

/** Instructions of one conversation. */
const turns = 4;

/**
 * A conversation of four instructions, each with its answer. Seeds that differ modulo 4 have no instruction in common.
 *
 * @throws TrainError `CONFIG` as `instruction`
 */
export function instructionChat(seed: number, index: number): Conversation {
  const all = Array.from({ length: turns }, (_, i) => instruction(seed, turns * index + i));
  const messages = all.flatMap(({ input, answer }): ConversationMessage[] => [
    { role: "user", content: input },
    { role: "assistant", content: answer },
  ]);
  const checks = all.map(({ command, answer }, i) => ({
    ...{ index: 2 * i + 1, kind: command },
    ...{ keys: [answer], whole: true },
  }));
  return { messages, checks };
}
