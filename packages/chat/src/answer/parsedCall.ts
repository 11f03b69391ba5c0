import type { Json, JsonObject } from "@mamba/core/safetensors";
import type { ToolCall } from "../message.ts";

/** A call as the model wrote it, with its id where it gave one. */
export type ParsedCall = Omit<ToolCall, "id"> & { readonly id?: string | undefined };

const maxNameLength = 256;

/** The calls of a JSON text, an object or a list of them; undefined when it is not that. */
export function callsOfJson(text: string): readonly ParsedCall[] | undefined {
  const value = parsed(text);
  const items = Array.isArray(value) ? (value as readonly Json[]) : [value];
  const calls = items.flatMap((item) => callOf(item) ?? []);
  return calls.length === items.length && calls.length > 0 ? calls : undefined;
}

/** Levels of a value that a call may have: a conversation takes 64, with those around the value. */
const maxDepth = 60;

/** The value of a JSON text; undefined when it is not JSON, or has too many levels for a message. */
export function parsed(text: string): Json | undefined {
  if (isDeep(text)) return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

function isDeep(text: string): boolean {
  let depth = 0;
  let isInString = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i] ?? "";
    if (isInString && character === "\\") i++;
    else if (character === '"') isInString = !isInString;
    else if (isInString) continue;
    else if (character === "[" || character === "{") depth++;
    else if (character === "]" || character === "}") depth--;
    if (depth > maxDepth) return true;
  }
  return false;
}

export function isName(name: Json | undefined): name is string {
  return typeof name === "string" && name.trim() !== "" && name.length <= maxNameLength;
}

/** The forms of a call: `{ name, arguments }` with names that vary, or within `{ function: … }`. */
function callOf(value: Json | undefined): ParsedCall | undefined {
  if (!isJsonObject(value)) return undefined;
  const { function: inner, id } = value;
  const call = isJsonObject(inner) ? inner : value;
  const name = call["name"] ?? call["tool_name"];
  const args = ["arguments", "parameters", "args"]
    .map((key) => call[key])
    .find((found) => found !== undefined);
  if (!isName(name)) return undefined;
  const given = argumentsOf(args);
  return given === undefined ? undefined : { name, arguments: given, ...(isId(id) && { id }) };
}

/** Arguments as the model wrote them: an object, or its text. */
function argumentsOf(args: Json | undefined): JsonObject | string | undefined {
  if (isJsonObject(args)) return args;
  if (typeof args !== "string") return args === null ? {} : undefined;
  const value = parsed(args);
  return isJsonObject(value) ? value : args;
}

function isId(id: Json | undefined): id is string {
  return typeof id === "string" && /^[\w-]{1,64}$/.test(id);
}

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
