import type { GgufMetadata, GgufValue } from "../../formats/gguf/metadata.ts";
import { refuse } from "../component.ts";

const numberTypes: ReadonlySet<string> = new Set(["u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64"]);

/**
 * Reads single values of GGUF metadata and checks their types.
 *
 * @throws CheckpointError `TOKENIZER` in each method
 */
export class MetadataFields {
  readonly #metadata: GgufMetadata;

  constructor(metadata: GgufMetadata) {
    this.#metadata = metadata;
  }

  has(key: string): boolean {
    return this.#metadata.has(key);
  }

  /** A text of at most `most` characters. */
  string(key: string, most: number): string | undefined {
    const found = this.#metadata.get(key);
    if (found === undefined) return undefined;
    if (found.type !== "string") return refuse(key, "a string", shown(found));
    if (found.value.length > most) refuse(key, `a string of at most ${most} characters`, found.value);
    return found.value;
  }

  boolean(key: string): boolean | undefined {
    const found = this.#metadata.get(key);
    if (found === undefined) return undefined;
    return found.type === "bool" ? found.value : refuse(key, "true or false", shown(found));
  }

  /** A number of any integer type. 64-bit ones beyond 2^53 lose digits: they are no ids. */
  integer(key: string): number | undefined {
    const found = this.#metadata.get(key);
    if (found === undefined) return undefined;
    if (!numberTypes.has(found.type)) return refuse(key, "a whole number", shown(found));
    return Number(found.value);
  }

  /** A list of at most `most` texts. */
  strings(key: string, most: number): readonly string[] | undefined {
    const found = this.#metadata.get(key);
    if (found === undefined) return undefined;
    if (found.type !== "array" || found.items !== "string")
      return refuse(key, "a list of strings", shown(found));
    if (found.value.length > most) refuse(key, `a list of at most ${most}`, found.value.length);
    return found.value;
  }

  /** A list of `count` numbers. */
  numbers(key: string, count: number): ArrayLike<number> | undefined {
    const found = this.#metadata.get(key);
    if (found === undefined) return undefined;
    const isNumbers =
      found.type === "array" &&
      found.items !== "string" &&
      found.items !== "bool" &&
      !/64$/.test(found.items);
    if (!isNumbers) return refuse(key, "a list of numbers", shown(found));
    if (found.value.length !== count) {
      refuse(key, `a list of ${count} numbers, as many as there are tokens`, found.value.length);
    }
    return found.value as ArrayLike<number>;
  }
}

function shown(found: GgufValue): unknown {
  return found.type === "array" ? `a list of ${found.items}` : String(found.value);
}
