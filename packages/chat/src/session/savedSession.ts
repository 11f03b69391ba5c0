import { type GenerationState, MambaError, openSavedStates, saveState } from "@mamba/core";
import {
  isObject,
  type Json,
  type JsonObject,
  parseJsonObject,
  SafetensorsError,
} from "@mamba/core/safetensors";
import { ChatError } from "../errors.ts";
import type { ChatMessage, Tool } from "../message.ts";
import type { ChatModel } from "./chatModel.ts";
import type { RestoreOptions } from "./chatOptions.ts";
import { chatSetup, type ChatSetup } from "./chatSetup.ts";
import { type Mark, ReadText } from "./readText.ts";

/** Everything of a session that changes. The state is the session's. */
export interface SessionContents {
  readonly messages: readonly ChatMessage[];
  readonly state: GenerationState;
  readonly read: ReadText;
  /** Answers that were begun. */
  readonly answers: number;
}

// A saved session is a saved state with one text of metadata, JSON of a SavedChat.

const version = 1;

interface SavedChat {
  readonly version: number;
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly Tool[];
  readonly variables: JsonObject;
  /** The option `template`, or null; and the sources of the template, without and with tools. */
  readonly givenTemplate: string | null;
  readonly sources: readonly string[];
  /** The time that the template writes, in milliseconds since 1970. */
  readonly now: number;
  readonly text: string;
  readonly marks: readonly (readonly [offset: number, length: number, messages: number])[];
  readonly answers: number;
}

export async function saveSession(
  { tools, variables, givenTemplate, template, now }: ChatSetup,
  { messages, state, read, answers }: SessionContents,
  checkpoints: number,
): Promise<Uint8Array> {
  const saved: SavedChat = {
    version,
    messages,
    tools,
    variables,
    givenTemplate: givenTemplate ?? null,
    sources: [template.source, template.toolSource],
    now: now.getTime(),
    text: read.text,
    marks: read.marks.map((mark) => [mark.offset, mark.length, mark.messages]),
    answers,
  };
  return await saveState(state, { checkpoints, metadata: { chat: JSON.stringify(saved) } });
}

/** @throws ChatError `SAVED`; and those of `chatSetup` */
export async function openSession(
  loaded: ChatModel,
  bytes: Uint8Array,
  options: RestoreOptions,
): Promise<{ readonly setup: ChatSetup; readonly contents: SessionContents }> {
  const names = ["system", "messages", "tools", "template", "variables"];
  const saved = names.find((name) => (options as Readonly<Record<string, unknown>>)[name] !== undefined);
  if (saved !== undefined) {
    throw new MambaError("OPTIONS", `ChatSession.restore: option ${saved} is that of the saved session`);
  }
  if (!(bytes instanceof Uint8Array)) return fail("expected a Uint8Array");
  const { states, metadata } = await openStates(loaded, bytes);
  const [state] = states;
  try {
    if (!state || states.length !== 1) return fail(`expected one state, got ${states.length}`);
    const saved = readChat(metadata["chat"], state.ids.length);
    const { tools, variables, givenTemplate, answers } = saved;
    const given = {
      ...options,
      tools,
      variables,
      ...(givenTemplate !== null && { template: givenTemplate }),
    };
    const { setup } = chatSetup(loaded, given, new Date(saved.now));
    const { source, toolSource } = setup.template;
    if (saved.sources[0] !== source || saved.sources[1] !== toolSource) {
      return fail("the model has another chat template than it had then; send its messages to a new session");
    }
    const marks = saved.marks.map(([offset, length, messages]): Mark => ({ offset, length, messages }));
    return {
      setup,
      contents: { messages: saved.messages, state, read: new ReadText(saved.text, marks), answers },
    };
  } catch (error) {
    for (const other of states) other.dispose();
    throw error;
  }
}

async function openStates(loaded: ChatModel, bytes: Uint8Array) {
  try {
    return await openSavedStates(loaded.model, bytes);
  } catch (error) {
    if (!MambaError.is(error, "CACHE")) throw error;
    throw new ChatError("SAVED", `saved session: ${error.message}`, { cause: error });
  }
}

/** Checks each field: the checksum of the bytes tells damage, and nothing of their origin. */
function readChat(text: string | undefined, idCount: number): SavedChat {
  if (text === undefined) return fail("it holds a state and no conversation");
  const json = parse(text);
  const { messages, tools, variables, givenTemplate, sources, text: read, marks, answers, now } = json;
  if (json["version"] !== version)
    return fail(`its version is ${JSON.stringify(json["version"])}, this library reads ${version}`);
  const isTemplate = givenTemplate === null || typeof givenTemplate === "string";
  if (!isTemplate || !isList(sources, (item) => typeof item === "string") || sources.length !== 2) {
    return fail("it has no sources of a template");
  }
  if (!isCount(now) || now > 8.64e15) return fail("its time is not valid");
  if (!isList(messages, isMessage)) return fail("its messages are not a conversation");
  if (!isList(tools, isTool) || !isObject(variables)) return fail("its tools or variables are not valid");
  if (
    typeof read !== "string" ||
    !isCount(answers) ||
    !isList(marks, isMark) ||
    !areMarks(marks, read, idCount)
  ) {
    return fail("its marks do not fit its text");
  }
  return json as unknown as SavedChat;
}

function parse(text: string): JsonObject {
  try {
    return parseJsonObject(new TextEncoder().encode(text), "saved session");
  } catch (error) {
    if (!SafetensorsError.is(error)) throw error;
    throw new ChatError("SAVED", `${error.message} [${error.code}]`, { cause: error });
  }
}

function isList(value: Json | undefined, holds: (item: Json) => boolean): value is readonly Json[] {
  return Array.isArray(value) && (value as readonly Json[]).every(holds);
}

function isCount(value: Json | undefined): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isText(value: Json | undefined): boolean {
  return value === undefined || typeof value === "string";
}

function isMessage(value: Json): boolean {
  if (!isObject(value) || typeof value["content"] !== "string") return false;
  const { role, reasoning, toolCalls, toolCallId, name } = value;
  if (role === "assistant")
    return isText(reasoning) && (toolCalls === undefined || isList(toolCalls, isCall));
  if (role === "tool") return isText(toolCallId) && isText(name);
  return role === "system" || role === "user";
}

function isCall(value: Json): boolean {
  if (!isObject(value)) return false;
  const { id, name, arguments: args } = value;
  return typeof id === "string" && typeof name === "string" && (typeof args === "string" || isObject(args));
}

function isTool(value: Json): boolean {
  if (!isObject(value) || typeof value["name"] !== "string") return false;
  const { description, parameters } = value;
  return isText(description) && (parameters === undefined || isObject(parameters));
}

function isMark(value: Json): boolean {
  return isList(value, isCount) && value.length === 3;
}

/** True for marks in ascending order within the text and the ids. */
function areMarks(marks: readonly Json[], text: string, ids: number): boolean {
  const list = marks as readonly (readonly [number, number, number])[];
  return list.every(([offset, length], i) => {
    const [offsetBefore, lengthBefore] = list[i - 1] ?? [0, 0];
    const ascends = offset >= offsetBefore && length >= lengthBefore;
    return ascends && offset <= text.length && length <= ids;
  });
}

function fail(message: string): never {
  throw new ChatError("SAVED", `saved session: ${message}`);
}
