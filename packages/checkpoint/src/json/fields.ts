import { didYouMean } from "@mamba/core";
import { isObject, type Json, type JsonObject, show } from "@mamba/core/safetensors";
import { CheckpointError } from "../errors.ts";

/** Layers of the largest models that are read. */
export const maxLayers = 4096;
/** Experts of a layer of the largest models that are read. */
const maxExperts = 1024;

function inRange(value: unknown, min: number, max: number): boolean {
  return typeof value === "number" && value >= min && value <= max;
}

/** A number, or one in the form of transformers 5 for numbers that JSON does not have; NaN for anything else. */
function extendedNumber(value: Json): number {
  if (typeof value === "number") return value;
  const word = isObject(value) ? value["__float__"] : undefined;
  return word === "Infinity" ? Infinity : NaN;
}

/** Reads single fields of an untrusted object. A field that is null counts as absent, as in Python's configs. */
export class Fields {
  readonly #json: JsonObject;
  readonly #name: string;

  /** @param name for messages, which begin with it */
  constructor(json: JsonObject, name: string) {
    this.#json = json;
    this.#name = name;
  }

  get(key: string): Json | undefined {
    return this.#json[key] ?? undefined;
  }

  count(key: string): number | undefined {
    const rule = "a whole number from 1 to 2^31";
    return this.#typed(
      key,
      rule,
      (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 2 ** 31,
    );
  }

  number(key: string): number | undefined {
    return this.#typed(key, "a finite number", (value) => Number.isFinite(value));
  }

  boolean(key: string): boolean | undefined {
    return this.#typed(key, "true or false", (value) => typeof value === "boolean");
  }

  string(key: string): string | undefined {
    return this.#typed(key, "a string", (value) => typeof value === "string");
  }

  object(key: string): Fields | undefined {
    const value = this.#typed<JsonObject>(key, "an object", (candidate) => isObject(candidate));
    return value && new Fields(value, `${this.#name}: ${key}`);
  }

  /** One token id or a list of them. */
  ids(key: string): readonly number[] | undefined {
    const isId = (value: unknown) => Number.isInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 31;
    const value = this.#typed<number | readonly number[]>(key, "a token id or a list of them", (candidate) =>
      Array.isArray(candidate) ? candidate.length <= 1024 && candidate.every(isId) : isId(candidate),
    );
    return value === undefined ? undefined : [value].flat();
  }

  /** A list of finite numbers, for each of which `holds`. */
  numbers(
    key: string,
    rule: string,
    holds: (values: readonly number[]) => boolean,
  ): readonly number[] | undefined {
    return this.#typed<readonly number[]>(
      key,
      rule,
      (value) =>
        Array.isArray(value) &&
        value.every((item) => Number.isFinite(item)) &&
        holds(value as readonly number[]),
    );
  }

  /** The first of several names of a field that is given; the first without any. Models of one type name a field differently. */
  either(...keys: readonly [string, ...string[]]): string {
    return keys.find((key) => this.get(key) !== undefined) ?? keys[0];
  }

  /** A number of layers. The bound keeps a damaged config from filling the memory. */
  layerCount(key: string): number | undefined {
    const rule = `a whole number from 1 to ${maxLayers}`;
    return this.#typed(key, rule, (value) => Number.isInteger(value) && inRange(value, 1, maxLayers));
  }

  /** A number of experts. */
  expertCount(key: string): number | undefined {
    const rule = `a whole number from 0 to ${maxExperts}`;
    return this.#typed(key, rule, (value) => Number.isInteger(value) && inRange(value, 0, maxExperts));
  }

  /** A place or a period among layers. */
  index(key: string): number | undefined {
    const rule = `a whole number from 0 to ${maxLayers}`;
    return this.#typed(key, rule, (value) => Number.isInteger(value) && inRange(value, 0, maxLayers));
  }

  /** [min, max] of numbers from 0 on. Either may be infinite, also in the form `{"__float__": "Infinity"}` of transformers 5. */
  range(key: string): readonly [number, number] | undefined {
    const rule = "[min, max], two numbers from 0 on in ascending order";
    const value = this.#typed<readonly Json[]>(key, rule, (candidate) => {
      if (!Array.isArray(candidate) || candidate.length !== 2) return false;
      const [min = NaN, max = NaN] = candidate.map(extendedNumber);
      return min >= 0 && min <= max && min < Infinity;
    });
    if (value === undefined) return undefined;
    const [min = 0, max = Infinity] = value.map(extendedNumber);
    return [min, max];
  }

  /** One word of `values` for each layer. */
  words<const T extends string>(key: string, values: readonly T[]): readonly T[] | undefined {
    const rule = `a list of 1 to ${maxLayers} of ${values.map(show).join(", ")}`;
    return this.#typed(key, rule, (value) => {
      if (!Array.isArray(value) || !inRange(value.length, 1, maxLayers)) return false;
      return value.every((item) => values.includes(item as T));
    });
  }

  /** Objects, at most one for each layer. */
  objects(key: string): readonly Fields[] | undefined {
    const value = this.#typed<readonly JsonObject[]>(
      key,
      `a list of at most ${maxLayers} objects`,
      (items) =>
        Array.isArray(items) &&
        items.length <= maxLayers &&
        (items as readonly Json[]).every((item) => isObject(item)),
    );
    return value?.map((item, i) => new Fields(item, `${this.#name}: ${key}[${i}]`));
  }

  /** The object as it came. */
  get json(): JsonObject {
    return this.#json;
  }

  /** A list of strings, each once, of at most 1000 characters. */
  names(key: string, count?: number): readonly string[] | undefined {
    const size = count === undefined ? "at least one" : String(count);
    return this.#typed<readonly string[]>(
      key,
      `${size} different strings of at most 1000 characters`,
      (value) => {
        if (!Array.isArray(value) || new Set(value).size !== value.length) return false;
        if (count === undefined ? value.length === 0 : value.length !== count) return false;
        return value.every((item) => typeof item === "string" && item.length <= 1000);
      },
    );
  }

  /** @throws CheckpointError `CONFIG` when the object has a field that is not one of `known` */
  checkKnown(known: readonly string[]): void {
    const unknown = Object.keys(this.#json).find((key) => !known.includes(key));
    if (unknown === undefined) return;
    const hint = didYouMean(unknown, known) || `; the fields are ${known.join(", ")}`;
    throw new CheckpointError("CONFIG", `${this.#name}: there is no field ${show(unknown)}${hint}`);
  }

  /** @throws CheckpointError `CONFIG` */
  wrong(problem: string): never {
    throw new CheckpointError("CONFIG", `${this.#name}: ${problem}`);
  }

  /** One of the strings in `values`. */
  only<const T extends string>(key: string, values: readonly T[]): T | undefined {
    return this.#typed(key, values.map(show).join(" or "), (value) => values.includes(value as T));
  }

  /** @throws CheckpointError `CONFIG` */
  missing(key: string): never {
    throw new CheckpointError("CONFIG", `${this.#name}: the field ${key} is missing`);
  }

  /** @throws CheckpointError `UNSUPPORTED_MODEL` */
  unsupported(feature: string): never {
    throw new CheckpointError("UNSUPPORTED_MODEL", `${this.#name}: models with ${feature} cannot be loaded`);
  }

  #typed<T>(key: string, rule: string, holds: (value: Json) => boolean): T | undefined {
    const value = this.get(key);
    if (value === undefined) return undefined;
    if (holds(value)) return value as T;
    throw new CheckpointError(
      "CONFIG",
      `${this.#name}: the field ${key} must be ${rule}, got ${show(value)}`,
    );
  }
}
