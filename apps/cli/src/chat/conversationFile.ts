import { readFile } from "node:fs/promises";
import type { ChatMessage, ChatOptions, Tool } from "@mamba/chat";
import type { Json, JsonObject } from "@mamba/core/safetensors";
import { usage } from "../program/errors.ts";
import { checkOutputFile, readInputFile } from "../program/namedFiles.ts";
import { writeAtomically } from "../program/writeAtomically.ts";
import type { ChatModel, Conversation } from "./openChat.ts";

// A conversation is saved with its state, which continues at once, or as messages in JSON, which `mamba train chat` and other programs
// read.

/** True for a file that begins as one of `ChatSession.save` does: the length of a header, and the header with its format. */
function isSavedState(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(8, 200)).includes("mamba generation state");
}

/** True for a file of messages in JSON. */
function isJson(path: string): boolean {
  return /\.jsonl?$/i.test(path);
}

/**
 * The tools in a file: a JSON list in OpenAI's form, with or without the wrapper `{ type: "function" }`.
 *
 * @throws CliError `USAGE`, TrainError `DATA`
 */
export async function readTools(path: string): Promise<readonly Tool[]> {
  const { parseConversation } = await import("@mamba/train");
  const tools = parseJson(await readInputFile("--tools", path), path);
  const { tools: parsed = [] } = parseConversation({ messages: [], tools }, path);
  return parsed;
}

/**
 * Opens a conversation from a file that `saveConversation` wrote, or from messages in JSON: `{ "messages": [...] }` or the list alone.
 *
 * @throws CliError `USAGE`, ChatError `SAVED`, TrainError `DATA`
 */
export async function loadConversation(
  model: ChatModel,
  path: string,
  option: string,
  options: ChatOptions,
): Promise<Conversation> {
  const bytes = await readInputFile(option, path);
  if (isSavedState(bytes)) {
    const { system, tools, template, variables, ...rest } = options;
    const given = Object.entries({ system, tools, template, variable: variables }).find(
      ([, value]) => value !== undefined,
    );
    if (given)
      throw usage(`--${given[0]}: a saved conversation has its own; leave it out, or load messages in JSON`);
    return model.restoreChat(bytes, rest);
  }
  const { parseConversation } = await import("@mamba/train");
  const json = parseJson(bytes, path);
  const { messages, tools = options.tools } = parseConversation(
    Array.isArray(json) ? { messages: json } : json,
    path,
  );
  return model.chat({ ...options, ...withSystem(messages, options.system), tools });
}

/** The options for messages: a system message that is given replaces theirs. */
export function withSystem(
  messages: readonly ChatMessage[],
  system: string | undefined,
): Pick<ChatOptions, "system" | "messages"> {
  if (system === undefined) return { system: undefined, messages };
  return {
    system: system === "" ? undefined : system,
    messages: messages.filter(({ role }) => role !== "system"),
  };
}

/**
 * Writes a conversation, atomically. A file of another kind is not replaced.
 *
 * @throws CliError `USAGE`, and errors of the file system
 */
export async function saveConversation(
  chat: Conversation,
  path: string,
  tools: readonly Tool[] | undefined,
): Promise<void> {
  await checkConversationFile("/save", path);
  if (!isJson(path)) await writeAtomically(path, await chat.save());
  else {
    const messages = chat.messages.map(openAiMessage);
    const wrapped = tools?.map((tool) => ({ type: "function", function: tool }));
    await writeAtomically(path, `${JSON.stringify({ messages, ...(wrapped && { tools: wrapped }) })}\n`);
  }
}

/**
 * Checks that a conversation can be written at `path`.
 *
 * @throws CliError `USAGE` when a file of another kind is there, or the folder cannot be written
 */
export async function checkConversationFile(option: string, path: string): Promise<void> {
  await checkOutputFile(option, path);
  const bytes = await readFile(path).catch(() => undefined);
  if (bytes === undefined || bytes.length === 0) return;
  const isOurs = isJson(path) ? /"messages"/.test(bytes.toString("utf8")) : isSavedState(bytes);
  if (!isOurs) throw usage(`${option}: ${path} exists, and is no saved conversation`);
}

function parseJson(bytes: Uint8Array, path: string): Json {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as Json;
  } catch (error) {
    throw usage(`${path}: expected JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** A message in OpenAI's form. */
export function openAiMessage(message: ChatMessage): JsonObject {
  const { role, content } = message;
  if (role === "tool") {
    const { toolCallId, name } = message;
    return {
      ...{ role, content },
      ...(toolCallId !== undefined && { tool_call_id: toolCallId }),
      ...(name !== undefined && { name }),
    };
  }
  if (role !== "assistant") return { role, content };
  const { reasoning, toolCalls = [] } = message;
  const calls = toolCalls.map(({ id, name, arguments: given }) => {
    const text = typeof given === "string" ? given : JSON.stringify(given);
    return { id, type: "function", function: { name, arguments: text } };
  });
  return {
    ...{ role, content },
    ...(reasoning !== undefined && { reasoning_content: reasoning }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
}
