import { isObject, type Json, type JsonObject, show } from "@mamba/core/safetensors";
import { CheckpointError } from "../errors.ts";

/** Most components of one kind (normalizers, pre-tokenizers, decoders) in a tokenizer.json. */
const maxComponents = 64;
/** Most characters of a text in a component's field, such as the content of Replace. */
const maxFieldLength = 1024;

/** Throws `TOKENIZER`: the file that a tokenizer comes from, the field, the rule and the value. */
export function refuse(path: string, rule: string, value: unknown): never {
  throw new CheckpointError("TOKENIZER", `${path} must be ${rule}, got ${show(value)}`);
}

/** A component of a tokenizer.json: an object with a `type`. Reads its fields and checks each; null counts as absent. */
export class Component {
  readonly path: string;
  readonly #json: JsonObject;

  constructor(json: Json | undefined, path: string) {
    this.path = path;
    this.#json = isObject(json) ? json : refuse(path, "an object", json);
  }

  get type(): string {
    return this.#typed("type", "a string", (value) => typeof value === "string") ?? this.missing("type");
  }

  get(field: string): Json | undefined {
    return Object.hasOwn(this.#json, field) ? (this.#json[field] ?? undefined) : undefined;
  }

  boolean(field: string): boolean | undefined {
    return this.#typed(field, "true or false", (value) => typeof value === "boolean");
  }

  /** A text of at most 1024 characters. */
  string(field: string): string | undefined {
    const isText = (value: Json) => typeof value === "string" && value.length <= maxFieldLength;
    return this.#typed(field, `a string of at most ${maxFieldLength} characters`, isText);
  }

  integer(field: string, min: number, max: number): number | undefined {
    const isInRange = (value: Json) =>
      Number.isInteger(value) && Number(value) >= min && Number(value) <= max;
    return this.#typed(field, `a whole number from ${min} to ${max}`, isInRange);
  }

  only<const T extends string>(field: string, values: readonly T[]): T | undefined {
    return this.#typed(field, values.join(" or "), (value) => values.includes(value as T));
  }

  list(field: string, most = maxComponents): readonly Json[] | undefined {
    return this.#typed(
      field,
      `a list of at most ${most}`,
      (value) => Array.isArray(value) && value.length <= most,
    );
  }

  component(field: string): Component | undefined {
    const value = this.get(field);
    return value === undefined ? undefined : new Component(value, `${this.path}.${field}`);
  }

  missing(field: string): never {
    throw new CheckpointError("TOKENIZER", `${this.path}: the field ${field} is missing`);
  }

  /** For a `type` that is not one of those that this package has. */
  unknown(kinds: readonly string[]): never {
    throw new CheckpointError(
      "TOKENIZER",
      `${this.path}: type ${show(this.type)} is not one of ${kinds.join(", ")}`,
    );
  }

  #typed<T>(field: string, rule: string, holds: (value: Json) => boolean): T | undefined {
    const value = this.get(field);
    if (value === undefined) return undefined;
    return holds(value) ? (value as T) : refuse(`${this.path}.${field}`, rule, value);
  }
}

/**
 * The components of a field, those of a `Sequence` in its place. None when the field is null.
 *
 * @param members the field of `Sequence` that holds its components
 */
export function flatten(json: Json | undefined, path: string, members: string): Component[] {
  const found: Component[] = [];
  const visit = (value: Json | undefined, at: string): void => {
    const component = new Component(value, at);
    if (component.type !== "Sequence") found.push(component);
    else {
      const list = component.list(members) ?? component.missing(members);
      list.forEach((member, i) => visit(member, `${at}.${members}[${i}]`));
    }
    if (found.length > maxComponents) refuse(path, `at most ${maxComponents} components`, found.length);
  };
  if (json !== undefined && json !== null) visit(json, path);
  return found;
}
