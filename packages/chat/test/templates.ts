import { readdirSync, readFileSync } from "node:fs";
import type { JsonObject } from "@mamba/core/safetensors";
import type { ChatMessage, Tool } from "../src/message.ts";

const folder = import.meta.dirname;

/** The formats of published models that are written down in `templates/`, by name. */
export const templateNames: readonly string[] = readdirSync(`${folder}/templates`)
  .map((file) => file.replace(/\.jinja$/, ""))
  .sort();

/** The source of a template. */
export function templateOf(name: string): string {
  return readFileSync(`${folder}/templates/${name}.jinja`, "utf8");
}

/** A result of `tooling/reference/chat_templates.py`. */
export function golden<T>(file: string): T {
  return JSON.parse(readFileSync(`${folder}/goldens/${file}`, "utf8")) as T;
}

/** A conversation with the options of its rendering. */
export interface Conversation {
  readonly messages: readonly ChatMessage[];
  readonly addGenerationPrompt: boolean;
  readonly tools?: readonly Tool[];
  readonly variables?: JsonObject;
}

/** 200 conversations: turns, tools, calls, results, reasoning, and texts that are easily taken for something else. */
export const conversations = golden<readonly Conversation[]>("conversations.json");
