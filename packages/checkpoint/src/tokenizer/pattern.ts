import { SplitPreTokenizer } from "@huggingface/tokenizers";
import { isObject } from "@mamba/core/safetensors";
import { CheckpointError, messageOf } from "../errors.ts";
import { type Component, refuse } from "./component.ts";
import { matchApart } from "./matchApart.ts";

/** Start and end of each match in a text, one after the other. */
export type Matches = ArrayLike<number>;

/** A text or a regular expression that a component looks for in texts. */
export interface Pattern {
  /** The text that it is, when it is one text. */
  readonly literal?: string;
  /** The matches in each of some texts. @throws CheckpointError `TOKENIZER` when a regular expression takes too long */
  matches(texts: readonly string[]): Matches[];
}

/** Most characters of a regular expression in a tokenizer.json; those of known tokenizers have at most 500. */
const maxRegexLength = 2048;

/**
 * Regular expressions of common tokenizers that take linear time: each position begins a match, and no alternative reads a run
 * of characters more than twice.
 */
const linear = new Set([
  // GPT-2, GPT-NeoX
  String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
  // Llama 3 and cl100k
  String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  // Qwen 2
  String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
]);
/** One character class with at most one quantifier takes linear time too. */
const oneClass =
  /^(?:\\[pP]\{\w+\}|\\[dDsSwWrnt]|\[\^?(?:[^\\[\]&]|\\[pP]\{\w+\}|\\[^pPxu])+\])(?:[+*?]|\{\d{1,3}(?:,\d{0,3})?\})?$/;

/**
 * The field `pattern` of a component: `{ "String": … }` or `{ "Regex": … }`. A regular expression whose time is not known to
 * be linear runs in a thread that is stopped after a limit; where there are no such threads (browsers), it is refused when its
 * form can take exponential time.
 *
 * @throws CheckpointError `TOKENIZER`
 */
export function readPattern(component: Component): Pattern {
  const path = `${component.path}.pattern`;
  const json = component.get("pattern");
  const { String: literal, Regex: source } = isObject(json) ? json : {};
  if (typeof literal === "string" && source === undefined) {
    if (literal === "" || literal.length > maxRegexLength) {
      refuse(path, `a string of 1 to ${maxRegexLength} characters`, literal);
    }
    return { literal, matches: (texts) => texts.map((text) => occurrences(text, literal)) };
  }
  if (typeof source !== "string" || literal !== undefined)
    refuse(path, '{ "String": … } or { "Regex": … }', json);
  if (source.length > maxRegexLength)
    refuse(path, `a regular expression of at most ${maxRegexLength} characters`, source);
  const regex = compile(source, path);
  if (linear.has(source) || oneClass.test(source))
    return { matches: (texts) => texts.map((text) => matchHere(text, regex)) };
  const apart = matchApart();
  if (apart) return { matches: (texts) => apart(regex, texts, path) };
  refuseExponential(source, path);
  return { matches: (texts) => texts.map((text) => matchHere(text, regex)) };
}

/** `text` with each match replaced by `content`. `check` gets the length of the result before it is made. */
export function replaceMatches(
  text: string,
  matches: Matches,
  content: string,
  check: (length: number) => void,
): string {
  check(text.length + (matches.length / 2) * content.length);
  let changed = "";
  let at = 0;
  for (let i = 0; i < matches.length; i += 2) {
    changed += text.slice(at, matches[i]) + content;
    at = matches[i + 1] ?? at;
  }
  return changed + text.slice(at);
}

/** Start and end of each occurrence of a literal. */
export function occurrences(text: string, literal: string): Matches {
  const found: number[] = [];
  for (let at = text.indexOf(literal); at !== -1; at = text.indexOf(literal, at + literal.length)) {
    found.push(at, at + literal.length);
  }
  return found;
}

/** Start and end of each match of a regular expression with the flag g. */
export function matchHere(text: string, regex: RegExp): Matches {
  const found: number[] = [];
  for (const match of text.matchAll(regex)) found.push(match.index, match.index + match[0].length);
  return found;
}

/** Files have the syntax of Oniguruma; the library rewrites it to JavaScript's. */
function compile(source: string, path: string): RegExp {
  try {
    const { pattern } = new SplitPreTokenizer({
      type: "Split",
      pattern: { Regex: source },
      invert: false,
    } as never);
    if (pattern instanceof RegExp) return pattern;
  } catch (cause) {
    throw new CheckpointError("TOKENIZER", `${path}: not a regular expression: ${messageOf(cause)}`, {
      cause,
    });
  }
  return refuse(path, "a regular expression", source);
}

/** @throws CheckpointError `TOKENIZER` for a repeated group that holds a repetition or alternatives, and for back references */
function refuseExponential(source: string, path: string): void {
  const plain = source.replace(/\\[^1-9k]/g, "_").replace(/\[\^?\]?[^\]]*\]/g, "_");
  const groups: boolean[] = [];
  let closed: boolean | undefined; // true after a group that holds a repetition or alternatives
  let repetitions = 0;
  const isRisky = [...plain].some((symbol, i) => {
    if (symbol === "\\") return true;
    const repeats =
      symbol === "*" || symbol === "+" || (symbol === "{" && /^\{\d*,?\d*\}/.test(plain.slice(i)));
    if (repeats) repetitions++;
    if (repeats && closed) return true;
    closed = undefined;
    if (symbol === "(") groups.push(false);
    if (symbol === ")") closed = groups.pop();
    if (repeats || symbol === "|") groups.fill(true);
    return false;
  });
  if (isRisky || repetitions > 24) {
    refuse(path, "a regular expression without repetitions in repetitions and back references", source);
  }
}
