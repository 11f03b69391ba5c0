import { SafetensorsError, show } from "./errors.ts";

/** A JSON value. Objects have no prototype, so a key such as `__proto__` is a key like any other. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

const maxDepth = 64;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const special = /[\\\u0000-\u001f]/; // eslint-disable-line no-control-regex -- JSON forbids them in strings
const word = /null|true|false|-?Infinity|NaN/y;

/**
 * Parses JSON as `JSON.parse` does, but refuses a repeated key (two readers could take different values for it) and deep
 * nesting. A parser of our own, because `JSON.parse` does neither.
 *
 * @param name for messages, which begin with it
 * @param nonFinite true to accept `NaN` and `Infinity`, which Python writes into configs
 * @throws SafetensorsError `JSON`, `DUPLICATE_KEY`
 */
export function parseJson(text: string, name: string, nonFinite = false): Json {
  let at = 0;

  const fail = (what: string): never => {
    throw new SafetensorsError("JSON", `${name}: ${what} at character ${at}`);
  };
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const start = at;
    if (!pattern.test(text)) return undefined;
    at = pattern.lastIndex;
    return text.slice(start, at);
  };
  const skipSpace = (): void => {
    for (;;) {
      const code = text.charCodeAt(at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      at++;
    }
  };
  const eat = (symbol: string): boolean => {
    skipSpace();
    if (text[at] !== symbol) return false;
    at++;
    return true;
  };
  const readString = (): string => {
    skipSpace();
    const start = at;
    if (text[at] !== '"') fail("expected a string");
    do {
      at = text.indexOf('"', at + 1);
      if (at < 0) {
        at = start;
        fail("unterminated string");
      }
    } while (isEscaped(text, at));
    at++;
    const content = text.slice(start + 1, at - 1);
    if (!special.test(content)) return content;
    try {
      return JSON.parse(`"${content}"`) as string;
    } catch {
      at = start;
      return fail("malformed string");
    }
  };

  const readObject = (depth: number): JsonObject => {
    const object = Object.create(null) as Record<string, Json>;
    if (eat("}")) return object;
    do {
      const key = readString();
      if (key in object) {
        throw new SafetensorsError(
          "DUPLICATE_KEY",
          `${name}: the key ${show(key)} appears twice in one object`,
        );
      }
      if (!eat(":")) fail('expected ":"');
      object[key] = readValue(depth);
    } while (eat(","));
    if (!eat("}")) fail('expected "," or "}"');
    return object;
  };
  const readArray = (depth: number): readonly Json[] => {
    const array: Json[] = [];
    if (eat("]")) return array;
    do array.push(readValue(depth));
    while (eat(","));
    if (!eat("]")) fail('expected "," or "]"');
    return array;
  };
  const readValue = (depth: number): Json => {
    if (depth > maxDepth) fail(`nesting deeper than ${maxDepth}`);
    if (eat("{")) return readObject(depth + 1);
    if (eat("[")) return readArray(depth + 1);
    if (text[at] === '"') return readString();
    const start = at;
    const literal = match(word) ?? match(number);
    switch (literal) {
      case undefined:
        return fail(at < text.length ? "unexpected character" : "unexpected end");
      case "null":
        return null;
      case "true":
      case "false":
        return literal === "true";
      case "NaN":
      case "Infinity":
      case "-Infinity":
        at = start;
        if (!nonFinite) fail(`${literal} is not JSON`);
        at += literal.length;
    }
    return Number(literal);
  };

  const value = readValue(0);
  skipSpace();
  if (at < text.length) fail("unexpected character after the value");
  return value;
}

/**
 * `parseJson` for UTF-8 bytes whose value must be an object.
 *
 * @throws SafetensorsError `JSON`, `DUPLICATE_KEY`
 */
export function parseJsonObject(bytes: Uint8Array, name: string, nonFinite = false): JsonObject {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new SafetensorsError("JSON", `${name}: not UTF-8 text`, { cause });
  }
  const value = parseJson(text, name, nonFinite);
  if (!isObject(value)) throw new SafetensorsError("JSON", `${name}: expected an object, got ${show(value)}`);
  return value;
}

/** True when an odd number of backslashes stands before `at`. */
function isEscaped(text: string, at: number): boolean {
  let start = at;
  while (text[start - 1] === "\\") start--;
  return (at - start) % 2 === 1;
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
