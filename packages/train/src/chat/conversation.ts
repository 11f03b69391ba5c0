import type { ChatMessage, Tool, ToolCall } from "@mamba/chat";
import { isObject, type Json, type JsonObject, show } from "@mamba/core/safetensors";
import { TrainError } from "../errors.ts";

/** A conversation to learn from. */
export interface Conversation {
  readonly messages: readonly ChatMessage[];
  /** The tools that the template describes to the model. */
  readonly tools?: readonly Tool[] | undefined;
  /** Indices of assistant messages that are read, and not learned. */
  readonly unlearned?: readonly number[] | undefined;
}

/** Names of the roles in OpenAI's and in ShareGPT's form. */
const roles: Readonly<Record<string, ChatMessage["role"]>> = {
  ...{ system: "system", developer: "system", user: "user", human: "user" },
  ...{ assistant: "assistant", gpt: "assistant", model: "assistant", tool: "tool", observation: "tool" },
};

/**
 * A conversation from the JSON of a data file: `{ messages: [{ role, content, … }], tools? }` as OpenAI's fine-tuning takes
 * it, or ShareGPT's `{ conversations: [{ from, value }] }`. A message of the assistant with `weight: 0` is read and not
 * learned. Content is a text, or parts of the type `text`; null counts as empty beside tool calls. Other fields of messages
 * are left out.
 *
 * @param where begins the messages of errors, such as `chat.jsonl: line 3`
 * @throws TrainError `DATA`
 */
export function parseConversation(json: Json, where: string): Conversation {
  const fail = refuse(where);
  if (!isObject(json)) return fail(`expected an object with messages, got ${show(json)}`);
  const list = json["messages"] ?? json["conversations"];
  if (!Array.isArray(list)) {
    return fail(`expected messages, an array, got ${list === undefined ? "none" : show(list)}`);
  }
  const unlearned: number[] = [];
  const messages = (list as readonly Json[]).map((message, i) => {
    const at = `${where}: message ${i + 1}`;
    if (!isObject(message)) return refuse(at)(`expected an object, got ${show(message)}`);
    if (readWeight(message, at) === 0) unlearned.push(i);
    return parseMessage(message, at);
  });
  const { tools } = json;
  return {
    messages,
    ...(tools !== undefined && tools !== null && { tools: parseTools(tools, where) }),
    ...(unlearned.length > 0 && { unlearned }),
  };
}

function refuse(where: string): (reason: string) => never {
  return (reason) => {
    throw new TrainError("DATA", `${where}: ${reason}`);
  };
}

function readWeight({ weight }: JsonObject, at: string): 0 | 1 {
  if (weight === undefined || weight === null || weight === 1) return 1;
  return weight === 0 ? 0 : refuse(at)(`weight must be 0 or 1, got ${show(weight)}`);
}

function parseMessage(message: JsonObject, at: string): ChatMessage {
  const fail = refuse(at);
  const named = message["role"] ?? message["from"];
  const role = typeof named === "string" && Object.hasOwn(roles, named) ? roles[named] : undefined;
  if (role === undefined) {
    return fail(
      `role must be one of ${Object.keys(roles).join(", ")}, got ${named === undefined ? "none" : show(named)}`,
    );
  }
  const calls = message["tool_calls"] ?? [];
  if (!Array.isArray(calls)) return fail(`tool_calls must be an array, got ${show(calls)}`);
  if (calls.length > 0 && role !== "assistant")
    return fail(`a message of the role ${role} has no tool_calls`);
  const given = message["content"] ?? message["value"];
  const isEmpty = (given === undefined || given === null) && calls.length > 0;
  const content = isEmpty ? "" : textOf(given, at);
  switch (role) {
    case "assistant": {
      const reasoning = message["reasoning_content"] ?? message["reasoning"];
      if (reasoning !== undefined && reasoning !== null && typeof reasoning !== "string")
        return fail(`reasoning_content must be a text, got ${show(reasoning)}`);
      const toolCalls = (calls as readonly Json[]).map((call, i) => parseCall(call, i, at));
      return {
        role,
        content,
        ...(typeof reasoning === "string" && reasoning !== "" && { reasoning }),
        ...(toolCalls.length > 0 && { toolCalls }),
      };
    }
    case "tool": {
      const { tool_call_id: toolCallId, name } = message;
      return {
        role,
        content,
        ...(typeof toolCallId === "string" && { toolCallId }),
        ...(typeof name === "string" && { name }),
      };
    }
    default:
      return { role, content };
  }
}

function textOf(content: Json | undefined, at: string): string {
  const fail = refuse(at);
  if (typeof content === "string") return content;
  if (!Array.isArray(content))
    return fail(`content must be a text, got ${content === undefined ? "none" : show(content)}`);
  const parts = (content as readonly Json[]).map((part) => {
    if (isObject(part) && part["type"] === "text" && typeof part["text"] === "string") return part["text"];
    return fail(
      `content may have parts of the type "text" alone, got ${show(isObject(part) ? (part["type"] ?? part) : part)}`,
    );
  });
  return parts.join("");
}

/** OpenAI's `{ id?, type: "function", function: { name, arguments } }`, or `{ name, arguments }`. Arguments are an object, or its JSON. */
function parseCall(json: Json, index: number, at: string): ToolCall {
  const fail = refuse(`${at}, tool call ${index + 1}`);
  const call = isObject(json) ? (json["function"] ?? json) : json;
  if (!isObject(json) || !isObject(call)) return fail(`expected an object, got ${show(json)}`);
  const { name } = call;
  if (typeof name !== "string" || name === "") return fail("expected the name of a function");
  const given = call["arguments"] ?? {};
  const id = typeof json["id"] === "string" ? json["id"] : `call_${index}`;
  if (isObject(given)) return { id, name, arguments: given };
  if (typeof given !== "string") return fail(`arguments must be an object, or its JSON, got ${show(given)}`);
  return { id, name, arguments: argumentsOf(given) };
}

/** An object where the text is that of one: templates write it as the model should. */
function argumentsOf(text: string): JsonObject | string {
  try {
    const value = JSON.parse(text) as Json;
    return isObject(value) ? value : text;
  } catch {
    return text;
  }
}

/** OpenAI's `{ type: "function", function: { name, description?, parameters? } }`, or that without the wrapper. */
function parseTools(json: Json, where: string): Tool[] {
  if (!Array.isArray(json)) return refuse(where)(`tools must be an array, got ${show(json)}`);
  return (json as readonly Json[]).map((entry, i) => {
    const fail = refuse(`${where}: tool ${i + 1}`);
    const tool = isObject(entry) ? (entry["function"] ?? entry) : entry;
    if (!isObject(tool)) return fail(`expected an object, got ${show(entry)}`);
    const { name, description, parameters } = tool;
    if (typeof name !== "string" || name === "") return fail("expected a name");
    return {
      name,
      ...(typeof description === "string" && { description }),
      ...(isObject(parameters) && { parameters }),
    };
  });
}
