import { show } from "@mamba/core/safetensors";
import { CheckpointError } from "../errors.ts";
import type { GgufMetadata, GgufValue } from "../formats/gguf/metadata.ts";

/** Reads fields of GGUF metadata by their keys, with checks. A field that is absent is undefined. */
export class GgufFields {
  readonly #metadata: GgufMetadata;
  readonly #file: string;

  /** @param file for messages, which begin with it */
  constructor(metadata: GgufMetadata, file: string) {
    this.#metadata = metadata;
    this.#file = file;
  }

  has(key: string): boolean {
    return this.#metadata.has(key);
  }

  /** A whole number from 0 on, of any integer type. */
  count(key: string): number | undefined {
    const found = this.#metadata.get(key);
    if (found === undefined) return undefined;
    const value = isInteger(found) ? Number(found.value) : NaN;
    if (Number.isSafeInteger(value) && value >= 0) return value;
    return this.#wrong(key, "a whole number from 0 on", found);
  }

  /** A number. An f32 is given with as few digits as tell it apart: the nearest f32 to 1e-5 is 1e-5. */
  number(key: string): number | undefined {
    const found = this.#metadata.get(key);
    if (found === undefined) return undefined;
    if (found.type === "f64") return found.value;
    if (found.type !== "f32") return this.#wrong(key, "a number", found);
    const short = Number(found.value.toPrecision(7));
    return Math.fround(short) === found.value ? short : found.value;
  }

  boolean(key: string): boolean | undefined {
    const found = this.#metadata.get(key);
    return found === undefined || found.type === "bool" ? found?.value : this.#wrong(key, "a boolean", found);
  }

  string(key: string): string | undefined {
    const found = this.#metadata.get(key);
    return found === undefined || found.type === "string"
      ? found?.value
      : this.#wrong(key, "a string", found);
  }

  /** The strings of an array. */
  strings(key: string): readonly string[] | undefined {
    const found = this.#metadata.get(key);
    if (found === undefined) return undefined;
    return found.type === "array" && found.items === "string"
      ? found.value
      : this.#wrong(key, "an array of strings", found);
  }

  /** @throws CheckpointError `CONFIG` */
  missing(key: string): never {
    throw new CheckpointError("CONFIG", `${this.#file}: the metadata has no ${key}`);
  }

  #wrong(key: string, rule: string, { type, value }: GgufValue): never {
    const found =
      type === "array" ? "an array" : `${type} ${typeof value === "bigint" ? value : show(value)}`;
    throw new CheckpointError("CONFIG", `${this.#file}: ${key} must be ${rule}, got ${found}`);
  }
}

function isInteger(value: GgufValue): value is Extract<GgufValue, { value: number | bigint }> {
  return /^[ui]\d+$/.test(value.type);
}
