import { readFileSync } from "node:fs";
import { ChatTemplate, encodeChat } from "../../packages/chat/dist/index.js";
import { openModel } from "../../packages/run/dist/index.js";

/** Prompts that are answered at once. */
const batch = 16;

/**
 * @typedef {{
 *   index: number, kind: string, keys: string[], whole?: boolean, letters?: "upper" | "lower", maxWords?: number
 * }} Check
 */
/** @typedef {{ role: string, content: string, tool_calls?: { function: { name: string, arguments: Record<string, string> } }[] }} Message */
/** @typedef {{ messages: Message[], tools?: { function: import("../../packages/chat/dist/index.js").Tool }[], checks: Check[] }} Conversation */

/**
 * Counts the right answers of each kind: greedy answers, each to the true conversation before it.
 *
 * @param {{ model: string, adapter?: string | undefined, data: string, threads?: number | undefined }} options `data`: lines of `mamba data`
 * @returns {Promise<Record<string, { right: number, count: number }>>}
 */
export async function evaluateChat({ model: folder, adapter, data, threads }) {
  const opened = await openModel(folder, {
    backend: "cpu",
    ...(adapter !== undefined && { adapter }),
    ...(threads !== undefined && { cpu: { threads } }),
  });
  try {
    return await countRight(opened, data);
  } finally {
    await opened.dispose();
  }
}

/** @param {import("../../packages/run/dist/index.js").OpenModel} opened @param {string} data */
async function countRight(opened, data) {
  const { tokenizer } = opened;
  if (!tokenizer) throw new Error(`${opened.label} has no tokenizer`);
  const template = ChatTemplate.of(tokenizer);
  const prompts = readFileSync(data, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .flatMap((line) => promptsOf(JSON.parse(line), template, tokenizer));
  prompts.sort((a, b) => a.ids.length - b.ids.length); // prompts of a batch have similar lengths

  /** @type {Record<string, { right: number, count: number }>} */
  const kinds = {};
  for (let start = 0; start < prompts.length; start += batch) {
    const chunk = prompts.slice(start, start + batch);
    const answers = chunk.map(() => /** @type {number[]} */ ([]));
    const input = chunk.map(({ ids }) => ids);
    for await (const { row, id } of opened.generate(input, { temperature: 0, maxTokens: 96 })) {
      answers[row]?.push(id);
    }
    chunk.forEach(({ checks }, i) => {
      const answer = tokenizer.decode(answers[i] ?? []);
      for (const check of checks) {
        const sums = (kinds[check.kind] ??= { right: 0, count: 0 });
        sums.count++;
        if (isRight(answer, check)) sums.right++;
      }
    });
  }
  return kinds;
}

/**
 * The prompts of the answers that are checked.
 *
 * @param {Conversation} conversation
 * @param {ChatTemplate} template
 * @param {import("../../packages/chat/dist/index.js").ChatTokenizer} tokenizer
 */
function promptsOf({ messages, tools, checks }, template, tokenizer) {
  const all = messages.map(messageOf);
  const options = { tools: tools?.map((tool) => tool.function), addGenerationPrompt: true };
  return [...new Set(checks.map(({ index }) => index))].map((index) => ({
    ids: encodeChat(template, tokenizer, all.slice(0, index), options),
    checks: checks.filter((check) => check.index === index),
  }));
}

/** @param {Message} message @returns {import("../../packages/chat/dist/index.js").ChatMessage} */
function messageOf({ role, content, tool_calls: calls = [] }) {
  if (role !== "assistant") return { role: /** @type {"user"} */ (role), content };
  return { role, content, toolCalls: calls.map((call, i) => ({ id: `call_${i}`, ...call.function })) };
}

/** @param {string} answer @param {Check} check */
function isRight(answer, { keys, whole = false, letters, maxWords = Infinity }) {
  const text = answer.trim();
  if (letters === "upper" && text !== text.toUpperCase()) return false;
  if (letters === "lower" && text !== text.toLowerCase()) return false;
  if (text.split(/\s+/).length > maxWords) return false;
  if (whole) return text === keys[0];
  return keys.every((key) =>
    new RegExp(`(?<![\\p{L}\\p{N}])${escaped(key)}(?![\\p{L}\\p{N}])`, "iu").test(text),
  );
}

/** @param {string} text */
function escaped(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
