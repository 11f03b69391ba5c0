import { ChatError } from "../../errors.ts";
import { fail } from "./fail.ts";
import { joinTestArguments } from "./testArguments.ts";
import { readString } from "./strings.ts";
import { skipSpace, skipSpaceBack } from "./whitespace.ts";

/** A token as `parse` of `@huggingface/jinja` takes it, with the line that it is on. */
export interface Token {
  readonly type: string;
  readonly value: string;
  readonly line: number;
}

/** Most brackets, and most blocks, inside of each other: the parser is recursive. */
const maxNesting = 100;

const operators: readonly (readonly [string, string])[] = [
  ["**", "ExponentiationBinaryOperator"],
  ["//", "MultiplicativeBinaryOperator"],
  ["<=", "ComparisonBinaryOperator"],
  [">=", "ComparisonBinaryOperator"],
  ["==", "ComparisonBinaryOperator"],
  ["!=", "ComparisonBinaryOperator"],
  ["<", "ComparisonBinaryOperator"],
  [">", "ComparisonBinaryOperator"],
  ["+", "AdditiveBinaryOperator"],
  ["-", "AdditiveBinaryOperator"],
  ["~", "AdditiveBinaryOperator"],
  ["*", "MultiplicativeBinaryOperator"],
  ["/", "MultiplicativeBinaryOperator"],
  ["%", "MultiplicativeBinaryOperator"],
  ["=", "Equals"],
  ["(", "OpenParen"],
  [")", "CloseParen"],
  ["[", "OpenSquareBracket"],
  ["]", "CloseSquareBracket"],
  ["{", "OpenCurlyBracket"],
  ["}", "CloseCurlyBracket"],
  [",", "Comma"],
  [".", "Dot"],
  [":", "Colon"],
  ["|", "Pipe"],
];

const number = /\d+(?:_\d+)*(?:\.\d+(?:_\d+)*)?(?:[eE][+-]?\d+)?/y;
const name = /[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{M}\p{Nd}\p{Pc}]*/uy;
const blocks = ["if", "for", "macro", "call", "filter"];
/** The words that begin a block, 1, and end it, -1. */
const blockWords: ReadonlyMap<string, number> = new Map(
  blocks.flatMap((word) => [[word, 1] as const, [`end${word}`, -1] as const]),
);

/**
 * The tokens of a template, in linear time. Whitespace is as Jinja with `trim_blocks` and `lstrip_blocks` has it: the blanks of a line
 * before a block or a comment that begins it, and the line's end after one, are no text.
 *
 * @throws ChatError `TEMPLATE`, `TEMPLATE_LIMIT`
 */
export function tokensOf(source: string): Token[] {
  return new Lexer(source.replace(/\r\n?/g, "\n").replace(/\n$/, "")).run();
}

class Lexer {
  readonly #source: string;
  readonly #tokens: Token[] = [];
  #at = 0;
  #line = 1;
  /** The position that `#line` was counted to. */
  #counted = 0;
  #blocks = 0;
  /** The text that follows begins a line. */
  #isLineStart = true;

  constructor(source: string) {
    this.#source = source;
  }

  run(): Token[] {
    const source = this.#source;
    while (this.#at < source.length) {
      const start = nextTag(source, this.#at);
      if (start < 0) {
        this.#text(this.#at, source.length);
        break;
      }
      const kind = source.charAt(start + 1);
      const sign = source.charAt(start + 2);
      this.#text(this.#at, this.#textEnd(start, kind, sign));
      this.#at = start + 2 + (sign === "-" || sign === "+" ? 1 : 0);
      if (kind === "#") this.#comment();
      else if (kind === "{") this.#tag("OpenExpression", "CloseExpression", "}}");
      else if (!this.#raw()) this.#tag("OpenStatement", "CloseStatement", "%}");
    }
    return joinTestArguments(this.#tokens);
  }

  /** The end of the text before a tag. */
  #textEnd(start: number, kind: string, sign: string): number {
    if (sign === "-") return skipSpaceBack(this.#source, start, this.#at);
    if (sign === "+" || kind === "{") return start;
    const line = this.#source.slice(this.#at, start).lastIndexOf("\n") + 1;
    if (line === 0 && !this.#isLineStart) return start;
    const from = this.#at + line;
    return skipSpace(this.#source, from) >= start ? from : start;
  }

  #comment(): void {
    const end = this.#source.indexOf("#}", this.#at);
    if (end < 0) this.#fail("a comment has no end");
    const sign = end > this.#at ? this.#source.charAt(end - 1) : "";
    this.#at = end;
    this.#close("#}", sign, true);
  }

  /** The rest after a tag's end mark: `-` takes blanks, and a block's end takes the end of the line. */
  #close(mark: string, sign: string, isBlock: boolean): void {
    this.#at += mark.length;
    if (sign === "-") this.#at = skipSpace(this.#source, this.#at);
    else if (isBlock && sign !== "+" && this.#source.charAt(this.#at) === "\n") this.#at++;
    this.#isLineStart = this.#source.charAt(this.#at - 1) === "\n";
  }

  /** `{% raw %}` and the text up to `{% endraw %}`; false for any other block. */
  #raw(): boolean {
    const begin = /\s{0,64}raw\s{0,64}(-?)%\}/y;
    begin.lastIndex = this.#at;
    const open = begin.exec(this.#source);
    if (!open) return false;
    const start = open[1] ? skipSpace(this.#source, begin.lastIndex) : begin.lastIndex;
    const close = /\{%([-+]?)\s{0,64}endraw\s{0,64}([-+]?)%\}/g;
    close.lastIndex = start;
    const end = close.exec(this.#source);
    if (!end) return this.#fail("{% raw %} has no {% endraw %}");
    this.#at = start;
    this.#text(start, this.#textEnd(end.index, "%", end[1] ?? ""));
    this.#at = close.lastIndex - 2;
    this.#close("%}", end[2] ?? "", true);
    return true;
  }

  #text(start: number, end: number): void {
    if (end > start) this.#push("Text", this.#source.slice(start, end), start);
  }

  #tag(open: string, close: string, mark: string): void {
    const first = this.#tokens.length;
    this.#push(open, mark === "}}" ? "{{" : "{%", this.#at);
    const brackets: string[] = [];
    for (;;) {
      this.#at = skipSpace(this.#source, this.#at);
      const sign = brackets.length === 0 ? this.#endSign(mark) : undefined;
      if (sign !== undefined) {
        this.#at += sign.length;
        this.#push(close, mark, this.#at);
        this.#close(mark, sign, mark === "%}");
        break;
      }
      this.#expressionToken(brackets);
    }
    if (mark === "%}") this.#block(first);
  }

  /** The sign before a tag's end mark, when the tag ends here. */
  #endSign(mark: string): string | undefined {
    const signs = mark === "%}" ? ["", "-", "+"] : ["", "-"];
    return signs.find((sign) => this.#source.startsWith(sign + mark, this.#at));
  }

  #expressionToken(brackets: string[]): void {
    const [source, at] = [this.#source, this.#at];
    if (at >= source.length) this.#fail("a tag has no end");
    const quote = source.charAt(at);
    if (quote === '"' || quote === "'") {
      const { value, end } = readString(source, at) ?? this.#fail("a text has no closing quote");
      this.#take("StringLiteral", value, end);
      return;
    }
    const digits = match(number, source, at);
    if (digits !== undefined) {
      const isIndex = this.#tokens.at(-1)?.type === "Dot";
      const value = isIndex ? (/^\d+/.exec(digits)?.[0] ?? digits) : digits;
      this.#take("NumericLiteral", plainNumber(value), at + value.length);
      return;
    }
    const word = match(name, source, at);
    if (word !== undefined) {
      this.#take("Identifier", word, at + word.length);
      return;
    }
    const [text, type] =
      operators.find(([operator]) => source.startsWith(operator, at)) ??
      this.#fail(`the character ${JSON.stringify(quote)} is not expected here`);
    if ("([{".includes(text)) brackets.push(text);
    if (")]}".includes(text)) {
      const opened = brackets.pop();
      if (opened === undefined || "([{".indexOf(opened) !== ")]}".indexOf(text)) {
        this.#fail(`the bracket ${text} closes none`);
      }
    }
    if (brackets.length > maxNesting) tooDeep();
    this.#take(type, text, at + text.length);
  }

  /** Counts blocks, and makes of `{% generation %}` a block that changes nothing. */
  #block(first: number): void {
    const word = this.#tokens[first + 1];
    if (word?.type !== "Identifier") return;
    if (word.value === "generation") {
      const string = { type: "Identifier", value: "string", line: word.line };
      this.#tokens.splice(first + 1, 1, { ...word, value: "filter" }, string);
    }
    if (word.value === "endgeneration") this.#tokens[first + 1] = { ...word, value: "endfilter" };
    this.#blocks += blockWords.get(this.#tokens[first + 1]?.value ?? "") ?? 0;
    if (this.#blocks > maxNesting) tooDeep();
  }

  #take(type: string, value: string, end: number): void {
    this.#push(type, value, this.#at);
    this.#at = end;
  }

  #push(type: string, value: string, at: number): void {
    this.#tokens.push({ type, value, line: this.#lineAt(at) });
  }

  #lineAt(position: number): number {
    for (; this.#counted < position; this.#counted++) {
      if (this.#source.charCodeAt(this.#counted) === 10) this.#line++;
    }
    return this.#line;
  }

  #fail(reason: string): never {
    return fail(`line ${this.#lineAt(this.#at)}: ${reason}`);
  }
}

/** The position of the next `{{`, `{%` or `{#`, or -1. */
function nextTag(source: string, from: number): number {
  for (let at = source.indexOf("{", from); at >= 0; at = source.indexOf("{", at + 1)) {
    if ("{%#".includes(source.charAt(at + 1) || " ")) return at;
  }
  return -1;
}

function match(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

/** A number as the parser takes it: with a point where it is a float, and without separators or an exponent. */
function plainNumber(text: string): string {
  const plain = text.replaceAll("_", "");
  if (!/e/i.test(plain)) return plain;
  const value = String(Number(plain));
  return value.includes(".") ? value : value.includes("e") ? value.replace("e", ".0e") : `${value}.0`;
}

function tooDeep(): never {
  throw new ChatError(
    "TEMPLATE_LIMIT",
    `chat template: more than ${maxNesting} levels of brackets or blocks`,
  );
}
