import type { Tool, ToolCall } from "../message.ts";
import type { AnswerEvent } from "./answerEvent.ts";
import { type AnswerFormat, type CallSyntax, functionMark, type Marks } from "./answerFormat.ts";
import { CallBody } from "./callBody.ts";
import type { ParsedCall } from "./parsedCall.ts";

/** How the text of an answer is read. */
export interface AnswerParserOptions {
  /** The text before the answer. Where it ends with the mark of reasoning, the answer begins with reasoning. Default "". */
  readonly prompt?: string | undefined;
  /** The tools that may be called: their schemas tell strings from other values in the XML form. Default none. */
  readonly tools?: readonly Tool[] | undefined;
  /** Calls of the conversation before the answer: the ids go on from it. Default 0. */
  readonly calls?: number | undefined;
}

/** A mark that begins reasoning or a call, or else ends it. */
interface Mark {
  readonly text: string;
  readonly reasoning?: Marks;
  readonly syntax?: CallSyntax;
}

/** Calls of one answer; more stay text. */
const maxCalls = 128;
/** Characters of a call; a longer one stays text. */
const maxCallLength = 65_536;
/** Characters that are read again after what began as a call was none; beyond it they stay text as they are. */
const maxReread = 262_144;

/**
 * Turns the text of an answer, which arrives in parts, into its events. However the text is cut, the joined events are the same.
 * Text is held back only while it may still be a mark or a call. What is no valid call stays text; nothing is lost but the marks and
 * the blanks beside them.
 */
export class AnswerParser {
  readonly #reasoningMarks: readonly Mark[];
  readonly #callMarks: readonly Mark[];
  /** The syntax of calls without a mark. */
  readonly #bare: CallSyntax | undefined;
  readonly #tools: readonly Tool[];
  readonly #callsBefore: number;
  #callCount = 0;
  #events: AnswerEvent[] = [];
  #mode: "text" | "reasoning" | "call" | "afterCall" = "text";
  /** The text of the current mode that may be the beginning of a mark. */
  #held = "";
  /** Blanks that are dropped when a mark follows. */
  #blanks = "";
  /** True where blanks are dropped: after a mark. */
  #isAfterMark = false;
  /** True until text that is not blank follows the beginning or a mark: reasoning may begin, and a call without a mark. */
  #isFresh = true;
  #reasoningEnd: readonly Mark[] = [];
  #syntax: CallSyntax | undefined;
  #body: CallBody | undefined;
  /** The text of the call so far, with its mark. */
  #raw = "";
  #reread = 0;

  constructor(format: AnswerFormat, { prompt = "", tools = [], calls = 0 }: AnswerParserOptions = {}) {
    this.#reasoningMarks = format.reasoning.map((marks) => ({ text: marks.open, reasoning: marks }));
    const delimited = format.calls.filter(({ open }) => open !== "");
    this.#callMarks = delimited.map((syntax) => ({ text: syntax.open, syntax }));
    this.#bare = format.calls.find(({ open }) => open === "");
    this.#tools = tools;
    this.#callsBefore = calls;
    const end = prompt.trimEnd();
    const marks = format.reasoning.find(({ open }) => end.endsWith(open));
    if (marks) this.#beginReasoning(marks);
  }

  /** Adds text. Returns the events that became certain. */
  push(text: string): AnswerEvent[] {
    this.#addAll(text);
    return this.#take();
  }

  /** Ends the answer. Returns the last events. */
  end(): AnswerEvent[] {
    if (this.#mode === "call") this.#write(this.#raw, "text");
    else {
      if (this.#mode === "afterCall") this.#endCalls();
      for (let i = 0; i < this.#held.length; i++) this.#addPlain(this.#held.charAt(i));
      if (!this.#isAfterMark) this.#emit(this.#mode === "reasoning" ? "reasoning" : "text", this.#blanks);
    }
    this.#held = this.#blanks = this.#raw = "";
    this.#mode = "text";
    return this.#take();
  }

  #take(): AnswerEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** By UTF-16 units, so that a cut between two of them changes nothing. */
  #addAll(text: string): void {
    for (let i = 0; i < text.length; i++) this.#add(text.charAt(i));
  }

  #add(character: string): void {
    if (this.#mode === "call") this.#addToCall(character);
    else {
      this.#held += character;
      this.#settle();
    }
  }

  /** Acts on the held text: as a mark, or as plain text as far as no mark can begin with it. */
  #settle(): void {
    const marks = this.#marks();
    const found = marks.find(({ text }) => text === this.#held);
    if (found) {
      this.#held = "";
      this.#act(found);
    } else if (!marks.some(({ text }) => text.startsWith(this.#held))) {
      const first = this.#held.charAt(0);
      const rest = this.#held.slice(1);
      this.#held = "";
      this.#addPlain(first);
      this.#addAll(rest);
    }
  }

  /** The marks that may come here. None is the beginning of another one. */
  #marks(): readonly Mark[] {
    if (this.#mode === "reasoning") return this.#reasoningEnd;
    const begins = this.#isFresh ? this.#reasoningMarks : [];
    const calls = this.#callCount < maxCalls ? this.#callMarks : [];
    const close = this.#mode === "afterCall" ? this.#syntax?.close : undefined;
    return [...begins, ...calls, ...(close === undefined ? [] : [{ text: close }])];
  }

  #act({ reasoning, syntax }: Mark): void {
    if (reasoning) this.#beginReasoning(reasoning);
    else if (syntax) this.#beginCall(syntax, syntax.open);
    else this.#endPart();
  }

  /** A character that begins no mark. */
  #addPlain(character: string): void {
    if (this.#mode === "afterCall") {
      if (/[\s,;]/.test(character)) {
        this.#blanks += character;
        return;
      }
      const syntax = this.#syntax;
      if (syntax && /[{[]/.test(character) && syntax.open !== functionMark && this.#callCount < maxCalls) {
        this.#beginCall(syntax, "");
        this.#addToCall(character);
        return;
      }
      this.#endCalls();
    }
    if (/\s/.test(character)) {
      if (!this.#isAfterMark) this.#blanks += character;
      return;
    }
    const bare = this.#bare;
    if (bare && character === "{" && this.#mode === "text" && this.#isFresh && this.#callCount < maxCalls) {
      this.#beginCall(bare, "");
      this.#addToCall(character);
    } else this.#write(character, this.#mode === "reasoning" ? "reasoning" : "text");
  }

  /** Writes text that is not blank, after the blanks before it. */
  #write(text: string, type: "text" | "reasoning"): void {
    this.#emit(type, this.#blanks + text);
    this.#blanks = "";
    this.#isAfterMark = false;
    if (type === "text") this.#isFresh = false;
  }

  #emit(type: "text" | "reasoning", text: string): void {
    if (text === "") return;
    const last = this.#events.at(-1);
    if (last?.type === type) this.#events[this.#events.length - 1] = { type, text: last.text + text };
    else this.#events.push({ type, text });
  }

  #beginReasoning(marks: Marks): void {
    this.#mode = "reasoning";
    this.#reasoningEnd = [{ text: marks.close }];
    this.#afterMark();
  }

  /** Ends reasoning or calls. */
  #endPart(): void {
    this.#mode = "text";
    this.#afterMark();
  }

  /** Ends calls where text follows: separators after them were text as well. */
  #endCalls(): void {
    const separators = this.#blanks.trimStart();
    this.#endPart();
    const visible = separators.trimEnd();
    if (visible === "") return;
    this.#write(visible, "text");
    this.#blanks = separators.slice(visible.length);
  }

  #afterMark(): void {
    this.#blanks = "";
    this.#isAfterMark = true;
    this.#isFresh = true;
  }

  #beginCall(syntax: CallSyntax, raw: string): void {
    this.#mode = "call";
    this.#syntax = syntax;
    this.#body = new CallBody(syntax, this.#tools);
    this.#raw = raw;
  }

  #addToCall(character: string): void {
    this.#raw += character;
    const progress = this.#body?.push(character) ?? "invalid";
    if (progress === "more") {
      if (this.#raw.length > maxCallLength) this.#leaveCall(this.#raw, "");
    } else if (progress === "invalid") this.#rejectCall();
    else if (this.#callCount + progress.length > maxCalls) this.#leaveCall(this.#raw, "");
    else {
      for (const call of progress) this.#events.push({ type: "toolCall", call: this.#named(call) });
      this.#mode = "afterCall";
      this.#raw = "";
      this.#afterMark();
    }
  }

  /** The mark of a call that is none is text, and what follows it is read as such. */
  #rejectCall(): void {
    const raw = this.#raw;
    const open = this.#syntax?.open ?? "";
    const mark = open !== "" && raw.startsWith(open) ? open : raw.slice(0, 1);
    this.#reread += raw.length - mark.length;
    if (this.#reread > maxReread) this.#leaveCall(raw, "");
    else this.#leaveCall(mark, raw.slice(mark.length));
  }

  #leaveCall(text: string, rest: string): void {
    this.#mode = "text";
    this.#raw = "";
    this.#body = undefined;
    this.#write(text, "text");
    this.#addAll(rest);
  }

  #named({ id, ...call }: ParsedCall): ToolCall {
    this.#callCount++;
    // Nine letters and digits, as the templates of Mistral's models demand.
    return { id: id ?? `call${String(this.#callsBefore + this.#callCount).padStart(5, "0")}`, ...call };
  }
}
