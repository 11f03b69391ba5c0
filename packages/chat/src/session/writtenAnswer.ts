import { type GeneratedToken, TextStream } from "@mamba/core";
import type { AnswerEvent } from "../answer/answerEvent.ts";
import { AnswerParser } from "../answer/answerParser.ts";
import type { ChatMessage, ToolCall } from "../message.ts";
import type { AnswerEnd } from "./chatEvent.ts";
import type { ChatSetup } from "./chatSetup.ts";
import type { PromptPlan } from "./promptPlan.ts";

/** Ids before an answer that its decoder reads, since a character or a blank may depend on them. */
export const decodedBefore = 16;

/** The answer that a model is writing: its tokens become events and a message. */
export class WrittenAnswer {
  readonly #stream: TextStream;
  readonly #parser: AnswerParser;
  #content = "";
  #reasoning = "";
  readonly #toolCalls: ToolCall[] = [];
  #finish: "stop" | "length" | undefined;
  #hasStopId = false;
  #isParsed = false;

  /**
   * @param messages the conversation before the answer
   * @param before the ids before the answer
   */
  constructor(
    { tokenizer, format, tools }: ChatSetup,
    { text }: PromptPlan,
    messages: readonly ChatMessage[],
    before: readonly number[],
    stop: readonly string[] | undefined,
  ) {
    this.#stream = new TextStream(tokenizer, { stop, specialTokens: format.specialIds });
    this.#stream.read(before.slice(-decodedBefore));
    const calls = messages.flatMap((message) =>
      message.role === "assistant" ? (message.toolCalls ?? []) : [],
    );
    this.#parser = new AnswerParser(format, { prompt: text, tools, calls: calls.length });
  }

  /** True when a stop id or a stop string, or the number of tokens, ended it. */
  get isEnded(): boolean {
    return this.#finish !== undefined;
  }

  /** True when a stop id ended it: the last id that was generated. */
  get hasStopId(): boolean {
    return this.#hasStopId;
  }

  /** Adds a token that `generate` gave without a tokenizer. Returns the events that became certain. */
  add({ id, finish }: GeneratedToken): readonly AnswerEvent[] {
    this.#finish = finish;
    this.#hasStopId = finish === "stop";
    if (this.#hasStopId) return this.#read(this.#stream.rest());
    const { text, stopped } = this.#stream.push(id);
    if (stopped) {
      this.#finish = "stop";
      return this.#read(text);
    }
    return this.#read(finish === "length" ? text + this.#stream.rest() : text);
  }

  /** Returns the last events of an answer that is ended. */
  end(): readonly AnswerEvent[] {
    this.#isParsed = true;
    return this.#collect(this.#parser.end());
  }

  /** The message, whole or of an aborted answer; undefined for an aborted one without text. */
  kept(): AnswerEnd["message"] | undefined {
    if (!this.isEnded) this.#read(this.#stream.rest());
    if (!this.#isParsed) this.end();
    const isEmpty = this.#content === "" && this.#reasoning === "" && this.#toolCalls.length === 0;
    return isEmpty && !this.isEnded ? undefined : this.#message();
  }

  /** The end of an answer that is ended. */
  result(): Pick<AnswerEnd, "finish" | "message"> {
    const isLength = this.#finish === "length";
    const finish = isLength ? "length" : this.#toolCalls.length > 0 ? "toolCalls" : "stop";
    return { finish, message: this.#message() };
  }

  #read(text: string): readonly AnswerEvent[] {
    return this.#collect(this.#parser.push(text));
  }

  #collect(events: readonly AnswerEvent[]): readonly AnswerEvent[] {
    for (const event of events) {
      if (event.type === "text") this.#content += event.text;
      else if (event.type === "reasoning") this.#reasoning += event.text;
      else this.#toolCalls.push(event.call);
    }
    return events;
  }

  #message(): AnswerEnd["message"] {
    return {
      role: "assistant",
      content: this.#content,
      ...(this.#reasoning !== "" && { reasoning: this.#reasoning }),
      ...(this.#toolCalls.length > 0 && { toolCalls: [...this.#toolCalls] }),
    };
  }
}
