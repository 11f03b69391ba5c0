import { fail } from "./fail.ts";
import { charactersOf, isText, type Text } from "./text.ts";
import { type Args, intOf, isTrue, typeName, type Value } from "./values.ts";

/** The arguments of a call by the names of its parameters. */
export class Bound {
  readonly #name: string;
  readonly #values: ReadonlyMap<string, Value>;

  /** @throws ChatError `TEMPLATE` for an argument too many, twice, or with another name */
  constructor(name: string, { positional, named }: Args, parameters: readonly string[]) {
    const values = new Map<string, Value>();
    if (positional.length > parameters.length) {
      fail(`${name} takes at most ${parameters.length} arguments, got ${positional.length}`);
    }
    parameters.forEach((parameter, i) => {
      const value = positional[i];
      if (value !== undefined) values.set(parameter, value);
    });
    for (const [key, value] of named) {
      if (!parameters.includes(key)) fail(`${name} has no parameter ${key}`);
      if (values.has(key)) fail(`${name} got the argument ${key} twice`);
      values.set(key, value);
    }
    this.#name = name;
    this.#values = values;
  }

  get(parameter: string): Value | undefined {
    return this.#values.get(parameter);
  }

  /** The value of an argument, `none` included, or another where it is absent. */
  getOr(parameter: string, otherwise: Value): Value {
    const value = this.get(parameter);
    return value !== undefined ? value : otherwise;
  }

  need(parameter: string): Value {
    const value = this.get(parameter);
    return value !== undefined ? value : this.#lack(parameter);
  }

  isTrue(parameter: string, otherwise: boolean): boolean {
    const value = this.get(parameter);
    return value === undefined ? otherwise : isTrue(value);
  }

  /** A text, or undefined where the argument is absent or none. */
  text(parameter: string): Text | undefined {
    const value = this.get(parameter) ?? null;
    if (value === null || isText(value)) return value ?? undefined;
    return this.#refuse(parameter, "a text", value);
  }

  characters(parameter: string): string | undefined {
    const text = this.text(parameter);
    return text === undefined ? undefined : charactersOf(text);
  }

  needText(parameter: string): Text {
    return this.text(parameter) ?? this.#lack(parameter);
  }

  /** A whole number, or undefined where the argument is absent or none. */
  int(parameter: string): number | undefined {
    const value = this.get(parameter) ?? null;
    return value === null ? undefined : (intOf(value) ?? this.#refuse(parameter, "a whole number", value));
  }

  #lack(parameter: string): never {
    return fail(`${this.#name} needs the argument ${parameter}`);
  }

  #refuse(parameter: string, rule: string, value: Value): never {
    return fail(`${this.#name}: ${parameter} must be ${rule}, got a ${typeName(value)}`);
  }
}
