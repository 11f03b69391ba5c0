import { isObject, type Json, type JsonObject } from "@mamba/core/safetensors";
import { ChatError } from "../errors.ts";
import type { ChatMessage, Tool, ToolCall } from "../message.ts";
import { literalText } from "./jinja/text.ts";
import { dictOf, Sequence, type Value, valueOf } from "./jinja/values.ts";

/** Most messages of a conversation, tools, and calls of a message. */
const maxMessages = 2 ** 16;
const maxTools = 1024;
/** Most values (texts, numbers, lists, objects) of all, and most levels of lists and objects inside of each other. */
const maxValues = 2 ** 20;
const maxLevels = 64;

type Field = readonly [string, Value];

/**
 * Checks messages, tools and variables, and makes the values of a template of them, in the form that the templates of Hugging Face
 * take.
 */
export class ConversationReader {
  readonly #maxLength: number;
  #values = 0;
  #length = 0;

  /** @param maxLength most characters of all texts together */
  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /** @throws ChatError `MESSAGES` */
  messages(messages: readonly ChatMessage[]): Value {
    const list = this.#list(messages, "messages", maxMessages);
    return new Sequence(list.map((message, i) => this.#message(message, `messages[${i}]`)));
  }

  /** @throws ChatError `MESSAGES` */
  tools(tools: readonly Tool[]): Value {
    const list = this.#list(tools, "tools", maxTools);
    return new Sequence(
      list.map((tool, i) => {
        const path = `tools[${i}]`;
        const {
          name,
          description,
          parameters = { type: "object", properties: {} },
        } = this.#object<Tool>(tool, path);
        if (!isObject(parameters)) refuse(`${path}.parameters`, "an object", parameters);
        return record([
          ["type", "function"],
          [
            "function",
            record([
              ["name", this.#text(name, `${path}.name`)],
              ...this.#optional("description", description, `${path}.description`),
              ["parameters", this.json(parameters, `${path}.parameters`)],
            ]),
          ],
        ]);
      }),
    );
  }

  /** The fields of an object as variables. @throws ChatError `MESSAGES` */
  variables(variables: JsonObject): readonly Field[] {
    const object = this.#object<JsonObject>(variables, "variables");
    return Object.entries(object).map(([name, value]) => [name, this.json(value, `variables.${name}`)]);
  }

  /** A JSON value. @throws ChatError `MESSAGES` */
  json(json: Json, path: string): Value {
    this.#check(json, path, 0);
    return valueOf(json);
  }

  #check(json: unknown, path: string, level: number): void {
    if (level > maxLevels) refuse(path, `JSON of at most ${maxLevels} levels`, json);
    this.#count(path);
    if (typeof json === "string") this.#characters(json, path);
    else if (typeof json === "number") {
      if (!Number.isFinite(json)) refuse(path, "JSON", json);
    } else if (Array.isArray(json)) {
      for (const [i, item] of json.entries()) this.#check(item, `${path}[${i}]`, level + 1);
    } else if (isObject(json as Json)) {
      for (const [key, value] of Object.entries(json as JsonObject)) {
        this.#characters(key, path);
        this.#check(value, path, level + 1);
      }
    } else if (json !== null && typeof json !== "boolean") refuse(path, "JSON", json);
  }

  #message(value: unknown, path: string): Value {
    const message = this.#object<ChatMessage>(value, path);
    const content = this.#text(message.content, `${path}.content`);
    const fields: Field[] = [
      ["role", message.role],
      ["content", content],
    ];
    switch (message.role) {
      case "system":
      case "user":
        break;
      case "assistant":
        fields.push(...this.#optional("reasoning_content", message.reasoning, `${path}.reasoning`));
        if (message.toolCalls !== undefined) {
          const calls = this.#list(message.toolCalls, `${path}.toolCalls`, maxTools);
          const values = calls.map((call, i) => this.#call(call, `${path}.toolCalls[${i}]`));
          // A template that asks for tool calls expects at least one.
          if (values.length > 0) fields.push(["tool_calls", new Sequence(values)]);
        }
        break;
      case "tool":
        fields.push(...this.#optional("name", message.name, `${path}.name`));
        fields.push(...this.#optional("tool_call_id", message.toolCallId, `${path}.toolCallId`));
        break;
      default:
        refuse(`${path}.role`, "system, user, assistant or tool", (message as { role?: unknown }).role);
    }
    return record(fields);
  }

  #call(value: unknown, path: string): Value {
    const { id, name, arguments: args } = this.#object<ToolCall>(value, path);
    if (typeof args !== "string" && !isObject(args)) refuse(`${path}.arguments`, "an object or a text", args);
    return record([
      ["id", this.#text(id, `${path}.id`)],
      ["type", "function"],
      [
        "function",
        record([
          ["name", this.#text(name, `${path}.name`)],
          ["arguments", this.json(args, `${path}.arguments`)],
        ]),
      ],
    ]);
  }

  #optional(field: string, value: unknown, path: string): Field[] {
    return value === undefined ? [] : [[field, this.#text(value, path)]];
  }

  #text(value: unknown, path: string): Value {
    if (typeof value !== "string") refuse(path, "a text", value);
    this.#count(path);
    this.#characters(value, path);
    return literalText(value);
  }

  #list(value: unknown, path: string, most: number): readonly unknown[] {
    if (!Array.isArray(value)) refuse(path, "a list", value);
    if (value.length > most) refuse(path, `a list of at most ${most}`, value);
    return value as readonly unknown[];
  }

  #object<T>(value: unknown, path: string): Partial<T> & T {
    if (!isObject(value as Json)) refuse(path, "an object", value);
    this.#count(path);
    return value as Partial<T> & T;
  }

  #count(path: string): void {
    if (++this.#values > maxValues) refuse(path, `a conversation of at most ${maxValues} values`, undefined);
  }

  #characters(text: string, path: string): void {
    this.#length += text.length;
    if (this.#length > this.#maxLength) {
      refuse(path, `a conversation of at most ${this.#maxLength} characters`, undefined);
    }
  }
}

function record(fields: readonly Field[]): Value {
  return dictOf(fields);
}

function refuse(path: string, rule: string, value: unknown): never {
  const got = value === undefined ? "" : `, got ${describe(value)}`;
  throw new ChatError("MESSAGES", `${path} must be ${rule}${got}`);
}

function describe(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  return typeof value === "number" ? String(value) : `a value of type ${typeof value}`;
}
