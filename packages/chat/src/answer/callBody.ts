import type { Json, JsonObject } from "@mamba/core/safetensors";
import type { Tool } from "../message.ts";
import { type CallSyntax, functionMark } from "./answerFormat.ts";
import { JsonScanner } from "./jsonScanner.ts";
import { callsOfJson, isJsonObject, isName, type ParsedCall, parsed } from "./parsedCall.ts";

/** A result of a character: calls when they are complete. */
type Progress = "more" | "invalid" | readonly ParsedCall[];

const maxDepth = 64;
/** Characters of JSON without a mark that decide whether it may be a call. */
const decidedLength = 64;
const functionEnd = "</function>";
const parameterMark = "<parameter=";
const parameterEnd = "</parameter>";

/** Reads one call, or a list of them, after its mark, character by character. */
export class CallBody {
  readonly #syntax: CallSyntax;
  readonly #tools: readonly Tool[];
  #state: "start" | "mark" | "json" | "head" | "name" | "parameters" | "parameter" | "value" = "start";
  readonly #json = new JsonScanner(maxDepth);
  /** The text that the state collects. */
  #text = "";
  /** The last characters of a value, as many as the mark that ends it. */
  #tail = "";
  #name = "";
  #id: string | undefined;
  #key = "";
  #arguments: JsonObject | undefined;

  constructor(syntax: CallSyntax, tools: readonly Tool[]) {
    this.#syntax = syntax;
    this.#tools = tools;
    if (syntax.open === functionMark) this.#state = "name";
  }

  push(character: string): Progress {
    switch (this.#state) {
      case "start":
        return this.#begin(character);
      case "json":
        return this.#addJson(character);
      case "head":
        return this.#addHead(character);
      case "name":
      case "parameter":
        return this.#addName(character);
      case "mark":
      case "parameters":
        return this.#addMark(character);
      case "value":
        return this.#addValue(character);
    }
  }

  #begin(character: string): Progress {
    if (/\s/.test(character)) return "more";
    if (character === "{" || character === "[") return this.#beginJson(character);
    if (character === "<" && this.#syntax.close !== undefined) return this.#addMark(character, "mark");
    if (this.#syntax.open === "[TOOL_CALLS]") return this.#addHead(character);
    return "invalid";
  }

  #beginJson(character: string): Progress {
    this.#state = "json";
    return this.#addJson(character);
  }

  #addJson(character: string): Progress {
    const found = this.#json.push(character);
    if (found !== "end") {
      const mayBeOther = this.#syntax.open === "" && this.#json.length <= decidedLength;
      return mayBeOther && !beginsCall(this.#json.text) ? "invalid" : found;
    }
    const { text } = this.#json;
    if (this.#name === "") return callsOfJson(text) ?? "invalid";
    const value = parsed(text);
    if (!isJsonObject(value)) return "invalid";
    this.#arguments = value;
    if (this.#syntax.open === "[TOOL_CALLS]") return this.#call();
    this.#state = "parameters";
    return "more";
  }

  /** Mistral's newer form: `name[ARGS]{…}`, with `[CALL_ID]id` before `[ARGS]` in some models. */
  #addHead(character: string): Progress {
    this.#state = "head";
    if (character !== "{") {
      this.#text += character;
      return this.#text.length > 512 || character === "\n" ? "invalid" : "more";
    }
    const [, name, id] =
      /^\s*([^\s[\]]+)(?:\[CALL_ID\]([\w-]{1,64}))?(?:\[ARGS\])?\s*$/.exec(this.#text) ?? [];
    if (!isName(name)) return "invalid";
    this.#name = name;
    this.#id = id;
    return this.#beginJson(character);
  }

  /** The name of a function or parameter, up to `>`. */
  #addName(character: string): Progress {
    if (character !== ">") {
      this.#text += character;
      return character === "\n" || character === "<" || this.#text.length > 256 ? "invalid" : "more";
    }
    const name = this.#text.trim();
    this.#text = "";
    if (!isName(name)) return "invalid";
    if (this.#state === "name") {
      this.#name = name;
      this.#state = "parameters";
    } else {
      this.#key = name;
      this.#state = "value";
    }
    return "more";
  }

  /** A mark of the XML form: of the function at first, then of a parameter or of the function's end. */
  #addMark(character: string, state = this.#state): Progress {
    this.#state = state;
    if (this.#text === "" && /\s/.test(character)) return "more";
    const isEmpty = this.#arguments === undefined;
    if (state === "parameters" && this.#text === "" && character === "{" && isEmpty)
      return this.#beginJson(character);
    this.#text += character;
    const marks = state === "mark" ? [functionMark] : [parameterMark, functionEnd];
    const mark = marks.find((candidate) => candidate.startsWith(this.#text));
    if (mark === undefined) return "invalid";
    if (mark !== this.#text) return "more";
    this.#text = "";
    if (mark === functionEnd) return this.#call();
    this.#state = mark === functionMark ? "name" : "parameter";
    return "more";
  }

  #addValue(character: string): Progress {
    this.#text += character;
    this.#tail = (this.#tail + character).slice(-parameterEnd.length);
    if (this.#tail !== parameterEnd) return "more";
    const value = this.#text.slice(0, -parameterEnd.length).replace(/^\n/, "").replace(/\n$/, "");
    this.#arguments = { ...this.#arguments };
    // Defined, so that a parameter named __proto__ is one like the others.
    Object.defineProperty(this.#arguments, this.#key, {
      value: valueOf(value, this.#isString(this.#key)),
      configurable: true,
      enumerable: true,
      writable: true,
    });
    this.#text = this.#tail = "";
    this.#state = "parameters";
    return "more";
  }

  /** True when the tool's schema says that the parameter is a string. */
  #isString(key: string): boolean {
    const properties = this.#tools.find(({ name }) => name === this.#name)?.parameters?.["properties"];
    const schema = isJsonObject(properties) && Object.hasOwn(properties, key) ? properties[key] : undefined;
    return isJsonObject(schema) && schema["type"] === "string";
  }

  #call(): Progress {
    return [
      { name: this.#name, arguments: this.#arguments ?? {}, ...(this.#id !== undefined && { id: this.#id }) },
    ];
  }
}

/** A value in the XML form is text, or JSON where the schema does not say that it is a string. */
function valueOf(text: string, isString: boolean): Json {
  return isString ? text : (parsed(text) ?? text);
}

/** True while a JSON text may be a call without a mark: other objects are answers, and are not held back. */
function beginsCall(text: string): boolean {
  const keys = ['{"name"', '{"type"', '{"function"'];
  const start = text.slice(0, decidedLength).replace(/\s/g, "");
  return keys.some((key) => key.startsWith(start) || start.startsWith(key));
}
