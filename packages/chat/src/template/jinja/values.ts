import type { Json } from "@mamba/core/safetensors";
import { fail } from "./fail.ts";
import { charactersOf, isText, literalText, type Text } from "./text.ts";

/**
 * The values of a template, as Python has them. A number is an `int`; `null` is `None`. Nothing in them is an object of the host:
 * names and keys are looked up in maps alone.
 */
export type Value =
  null | boolean | number | Text | Float | Sequence | Dict | Namespace | Fields | Callable | Undefined;

/** A `float`, which Python tells from an `int` of the same value. */
export class Float {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** A view is what `dict.items()` gives; a generator, what most filters do, can be read once and has no length. */
export type SequenceKind = "list" | "tuple" | "view" | "range" | "generator";

export class Sequence {
  readonly kind: SequenceKind;
  /** The text of a range. */
  readonly text: string | undefined;
  #items: readonly Value[];

  constructor(items: readonly Value[], kind: SequenceKind = "list", text?: string) {
    this.#items = items;
    this.kind = kind;
    this.text = text;
  }

  /** The elements. Those of a generator are there once. */
  take(): readonly Value[] {
    const items = this.#items;
    if (this.kind === "generator") this.#items = [];
    return items;
  }

  /** The elements, where there is a length: undefined for a generator. */
  get items(): readonly Value[] | undefined {
    return this.kind === "generator" ? undefined : this.#items;
  }
}

export type Key = string | number | null;

/** A `dict`, in the order of its keys. It keeps each key as it was given, with its marks. */
export class Dict {
  readonly entries: ReadonlyMap<Key, readonly [Value, Value]>;

  constructor(entries: ReadonlyMap<Key, readonly [Value, Value]>) {
    this.entries = entries;
  }

  get(key: Value): Value | undefined {
    return this.entries.get(keyOf(key))?.[1];
  }
}

/** The object of `namespace()`: the one thing that a template can change. */
export class Namespace {
  readonly fields = new Map<string, Value>();
}

/** An object of the evaluator with fields, such as `loop`. */
export interface Fields {
  readonly isFields: true;
  field(name: string): Value | undefined;
}

/** The arguments of a call. */
export interface Args {
  readonly positional: readonly Value[];
  readonly named: ReadonlyMap<string, Value>;
}

/** A macro, a method or a global function. */
export class Callable {
  readonly name: string;
  readonly call: (args: Args) => Value;

  constructor(name: string, call: (args: Args) => Value) {
    this.name = name;
    this.call = call;
  }
}

/** The value of a name that is not there. */
export class Undefined {
  /** The reason, for the error of its use. */
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** The key of a dict that a value is. */
export function keyOf(value: Value): Key {
  if (isText(value)) return charactersOf(value);
  if (value instanceof Float) return value.value;
  if (typeof value === "boolean") return Number(value);
  if (value === null || typeof value === "number") return value;
  return fail(`a ${typeName(value)} cannot be a key`);
}

/** The name that Python gives to the type of a value. */
export function typeName(value: Value): string {
  if (value === null) return "None";
  if (isText(value)) return "str";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return "int";
  if (value instanceof Float) return "float";
  if (value instanceof Sequence) return value.kind;
  if (value instanceof Dict) return "dict";
  if (value instanceof Namespace) return "namespace";
  if (value instanceof Undefined) return "undefined value";
  return value instanceof Callable ? "function" : "loop";
}

export function isTrue(value: Value): boolean {
  if (isText(value)) return charactersOf(value) !== "";
  if (value instanceof Float) return value.value !== 0;
  if (value instanceof Sequence) return value.items === undefined || value.items.length > 0;
  if (value instanceof Dict) return value.entries.size > 0;
  if (value instanceof Undefined) return false;
  return typeof value === "object" ? value !== null : Boolean(value);
}

/** The number that a value is, or undefined. Booleans are numbers. */
export function numberOf(value: Value): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return Number(value);
  return value instanceof Float ? value.value : undefined;
}

/** The whole number that a value is, or undefined. */
export function intOf(value: Value | undefined): number | undefined {
  return typeof value === "boolean" ? Number(value) : typeof value === "number" ? value : undefined;
}

/** The value of JSON that a message, a tool or a variable has: its texts and its keys are literal. */
export function valueOf(json: Json): Value {
  if (typeof json === "string") return literalText(json);
  if (typeof json === "number") return Number.isInteger(json) ? json : new Float(json);
  if (json === null || typeof json === "boolean") return json;
  if (Array.isArray(json)) return new Sequence((json as readonly Json[]).map(valueOf));
  return dictOf(Object.entries(json).map(([key, value]) => [literalText(key), valueOf(value)]));
}

export function dictOf(entries: Iterable<readonly [Value, Value]>): Dict {
  const map = new Map<Key, readonly [Value, Value]>();
  for (const [key, value] of entries) {
    const found = keyOf(key);
    map.set(found, [map.get(found)?.[0] ?? key, value]);
  }
  return new Dict(map);
}
