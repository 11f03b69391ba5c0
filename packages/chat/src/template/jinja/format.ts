import type { Budget } from "./budget.ts";
import { fail } from "./fail.ts";
import { charactersOf, isText, mapText, type Text, TextBuilder } from "./text.ts";
import { Callable, Dict, Float, Namespace, Sequence, typeName, Undefined, type Value } from "./values.ts";

/** Python's `str(value)`, which is what `{{ value }}` writes. */
export function textOf(budget: Budget, value: Value): Text {
  if (isText(value)) return value;
  if (value instanceof Undefined) return "";
  const builder = new TextBuilder(budget);
  addRepr(budget, builder, value);
  return builder.finish();
}

/** Adds Python's `repr(value)`. */
function addRepr(budget: Budget, out: TextBuilder, value: Value): void {
  budget.step();
  budget.enter();
  if (isText(value)) addQuoted(budget, out, value);
  else if (value instanceof Sequence) addSequence(budget, out, value);
  else if (value instanceof Dict || value instanceof Namespace) addDict(budget, out, value);
  else out.add(atomText(value));
  budget.leave();
}

function atomText(value: Value): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return intText(value);
  if (value instanceof Float) return floatText(value.value);
  if (value instanceof Undefined) return "Undefined";
  return value instanceof Callable ? `<function ${value.name}>` : `<${typeName(value)}>`;
}

function addSequence(budget: Budget, out: TextBuilder, value: Sequence): void {
  if (value.text !== undefined || value.kind === "generator") {
    out.add(value.text ?? "<generator>");
    return;
  }
  const items = value.take();
  const [open, close] = value.kind === "tuple" ? ["(", items.length === 1 ? ",)" : ")"] : ["[", "]"];
  out.add(open);
  items.forEach((item, i) => {
    if (i > 0) out.add(", ");
    addRepr(budget, out, item);
  });
  out.add(close);
}

function addDict(budget: Budget, out: TextBuilder, value: Dict | Namespace): void {
  const entries: Iterable<readonly [Value, Value]> =
    value instanceof Dict ? value.entries.values() : value.fields;
  out.add(value instanceof Dict ? "{" : "<Namespace {");
  let isFirst = true;
  for (const [key, item] of entries) {
    if (!isFirst) out.add(", ");
    isFirst = false;
    addRepr(budget, out, key);
    out.add(": ");
    addRepr(budget, out, item);
  }
  out.add(value instanceof Dict ? "}" : "}>");
}

/** Characters that `repr` writes as escape sequences: those that are not printable, but the space. */
const notPrintable = /[\\]|(?! )[\p{C}\p{Z}]/gu;
const short: Readonly<Record<string, string>> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function addQuoted(budget: Budget, out: TextBuilder, text: Text): void {
  const characters = charactersOf(text);
  budget.read(characters.length);
  const quote = characters.includes("'") && !characters.includes('"') ? '"' : "'";
  const escape = (chunk: string) => {
    const escaped = chunk.replace(notPrintable, escapeCharacter);
    return quote === "'" ? escaped.replaceAll("'", "\\'") : escaped;
  };
  out
    .add(quote)
    .add(mapText(budget, text, escape))
    .add(quote);
}

function escapeCharacter(character: string): string {
  const known = short[character];
  if (known !== undefined) return known;
  const code = character.codePointAt(0) ?? 0;
  const [prefix, digits] = code < 0x100 ? ["x", 2] : code < 0x10000 ? ["u", 4] : ["U", 8];
  return `\\${prefix}${code.toString(16).padStart(digits, "0")}`;
}

function intText(value: number): string {
  return Number.isSafeInteger(value) ? String(value) : BigInt(value).toString();
}

/** Python's `repr` of a float. */
function floatText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0.0";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) {
    return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
  }
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

/** How `json` writes. */
export interface JsonForm {
  /** Blanks before a line, for each level; undefined for one line. */
  readonly indent: string | undefined;
  readonly separators: readonly [Text, Text];
  readonly ascii: boolean;
  readonly sortKeys: boolean;
}

/** Python's `json.dumps(value)`. */
export function jsonOf(budget: Budget, value: Value, form: JsonForm): Text {
  const builder = new TextBuilder(budget);
  addJson(budget, builder, value, form, 0);
  return builder.finish();
}

function addJson(budget: Budget, out: TextBuilder, value: Value, form: JsonForm, level: number): void {
  budget.step();
  budget.enter();
  if (value === null) out.add("null");
  else if (typeof value === "boolean") out.add(value ? "true" : "false");
  else if (typeof value === "number") out.add(intText(value));
  else if (value instanceof Float) out.add(jsonFloat(value.value));
  else if (isText(value)) addJsonText(budget, out, value, form);
  else if (value instanceof Sequence && (value.kind === "list" || value.kind === "tuple")) {
    const items = value.take();
    addGroup(out, form, level, "[]", items, (item) => addJson(budget, out, item, form, level + 1));
  } else if (value instanceof Dict) {
    let entries = [...value.entries.values()];
    budget.elements(entries.length);
    if (form.sortKeys) entries = sorted(budget, entries);
    addGroup(out, form, level, "{}", entries, ([key, item]) => {
      addJsonText(budget, out, jsonKey(key), form);
      out.add(form.separators[1]);
      addJson(budget, out, item, form, level + 1);
    });
  } else
    fail(`tojson cannot write a ${typeName(value)}${value instanceof Undefined ? `: ${value.reason}` : ""}`);
  budget.leave();
}

function addGroup<T>(
  out: TextBuilder,
  { indent, separators }: JsonForm,
  level: number,
  brackets: string,
  items: readonly T[],
  add: (item: T) => void,
): void {
  const newLine = (depth: number) => {
    if (indent === undefined) return;
    out.add("\n");
    for (let i = 0; i < depth; i++) out.add(indent);
  };
  out.add(brackets.charAt(0));
  items.forEach((item, i) => {
    if (i > 0) out.add(separators[0]);
    newLine(level + 1);
    add(item);
  });
  if (items.length > 0) newLine(level);
  out.add(brackets.charAt(1));
}

function sorted(budget: Budget, entries: (readonly [Value, Value])[]): (readonly [Value, Value])[] {
  return entries.sort(([a], [b]) => {
    budget.step();
    if (!isText(a) || !isText(b)) return fail("tojson sorts keys that are texts alone");
    return compareTexts(charactersOf(a), charactersOf(b));
  });
}

/** The order of two texts by their code points, as Python has it. */
export function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  const least = Math.min(a.length, b.length);
  let at = 0;
  while (at < least && a.charCodeAt(at) === b.charCodeAt(at)) at++;
  if (at === least) return a.length - b.length;
  const [x, y] = [a.charCodeAt(at), b.charCodeAt(at)];
  // A surrogate is half of a code point beyond all others.
  const isHigh = (unit: number) => unit >= 0xd800 && unit <= 0xdfff;
  return isHigh(x) === isHigh(y) ? x - y : isHigh(x) ? 1 : -1;
}

function jsonKey(key: Value): Text {
  if (isText(key)) return key;
  if (key === null) return "null";
  if (typeof key === "boolean") return key ? "true" : "false";
  return key instanceof Float ? jsonFloat(key.value) : intText(Number(key));
}

function jsonFloat(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "-Infinity";
  return floatText(value);
}

// eslint-disable-next-line no-control-regex -- JSON forbids them in strings
const jsonEscapes = /["\\\u0000-\u001f]/g;
const notAscii = /[\u007f-\uffff]/g;

function addJsonText(budget: Budget, out: TextBuilder, text: Text, { ascii }: JsonForm): void {
  const escape = (chunk: string) => {
    const escaped = chunk.replace(jsonEscapes, (character) => JSON.stringify(character).slice(1, -1));
    return ascii ? escaped.replace(notAscii, escapeUnit) : escaped;
  };
  out
    .add('"')
    .add(mapText(budget, text, escape))
    .add('"');
}

function escapeUnit(character: string): string {
  // json.dumps writes U+007F as it is.
  if (character === "\u007f") return character;
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
