import type { Draw } from "../draws.ts";
import { fill, pick, type Words } from "../stories/grammar.ts";

/** A call of a tool, in the form of OpenAI's messages. */
export interface ConversationToolCall {
  readonly type: "function";
  readonly function: { readonly name: string; readonly arguments: Readonly<Record<string, string>> };
}

export interface ConversationMessage {
  readonly role: "system" | "user" | "assistant" | "tool";
  readonly content: string;
  readonly tool_calls?: readonly ConversationToolCall[];
}

/** Something that an answer of the assistant must fulfil to be right. */
export interface Check {
  /** Index of the assistant's message. */
  readonly index: number;
  /** The skill that the answer needs. */
  readonly kind: string;
  /** Texts that the answer must contain, in any case. */
  readonly keys: readonly string[];
  /** True when the answer must equal the only key, case included. */
  readonly whole?: boolean;
  readonly letters?: Letters;
  /** The most words that the answer may have. */
  readonly maxWords?: number;
}

/** Capital letters alone, or small letters alone. */
export type Letters = "upper" | "lower";

export interface Answer {
  readonly kind: string;
  readonly text: string;
  /** The answer in one word, or in few where one does not do. */
  readonly word?: string;
  /** Texts that a right answer contains, whatever its wording and case. Default: `word`. None: the answer is not checked. */
  readonly keys?: readonly string[];
}

/** How the system prompt wants the answers. */
export interface Style {
  readonly prompt: readonly string[];
  /** True when the answers are the `word`, which all of them must then have. */
  readonly short?: boolean;
  readonly letters?: Letters;
  apply(answer: Answer): string;
  /** Texts that each answer must contain. */
  readonly keys: readonly string[];
}

/** The facts that the user has told of himself, by name: "name", "colour", "the key". */
export type Memory = Map<string, string>;

/** A conversation in the making. */
export class Scene {
  readonly messages: ConversationMessage[] = [];
  readonly checks: Check[] = [];
  readonly memory: Memory = new Map();
  readonly draw: Draw;
  readonly style: Style;
  /** The assistant's name. */
  helper: string;

  constructor(draw: Draw, style: Style, helper: string) {
    this.draw = draw;
    this.style = style;
    this.helper = helper;
  }

  pick<T>(list: readonly T[]): T {
    return pick(this.draw, list);
  }

  /** True when answers have one word. */
  get isShort(): boolean {
    return this.style.short === true;
  }

  /** True in `percent` of a hundred draws. */
  chance(percent: number): boolean {
    return this.draw(1, 100) <= percent;
  }

  /** One of some templates, filled in. */
  phrase(templates: readonly string[], words: Words = {}): string {
    return fill(this.pick(templates), words);
  }

  /** Some different elements, in random order. */
  several<T>(list: readonly T[], count: number): T[] {
    const rest = [...list];
    return Array.from({ length: count }, () => rest.splice(this.draw(0, rest.length - 1), 1)).flat();
  }

  /** A turn: what the user says, and the answer in the style of the conversation. */
  turn(user: string, answer: Answer): void {
    this.messages.push({ role: "user", content: this.#typed(user) });
    this.answer(answer);
  }

  /** The answer to the last message. */
  answer(answer: Answer): void {
    const { kind, word, keys = word === undefined ? [] : [word] } = answer;
    const index = this.messages.length;
    if (keys.length > 0) this.checks.push({ index, kind, keys });
    const { letters, keys: styleKeys } = this.style;
    const maxWords = this.isShort ? word?.split(" ").length : undefined;
    if (letters !== undefined || maxWords !== undefined || styleKeys.length > 0) {
      const form = { ...(letters && { letters }), ...(maxWords !== undefined && { maxWords }) };
      this.checks.push({ index, kind: "system prompt", keys: styleKeys, ...form });
    }
    this.messages.push({ role: "assistant", content: this.style.apply(answer) });
  }

  /** The text as somebody in a hurry may type it. */
  #typed(text: string): string {
    if (this.chance(65)) return text;
    let typed = text;
    if (this.chance(70)) typed = typed.replace(/[.?!]$/, "");
    if (this.chance(70) && !/^I\b/.test(typed)) typed = typed.charAt(0).toLowerCase() + typed.slice(1);
    if (this.chance(40)) typed = typed.replace(/\b(what|who|where|that|it) is\b/gi, "$1's");
    if (this.chance(15)) typed = typed.replace(/[,']/g, "");
    return typed;
  }
}
