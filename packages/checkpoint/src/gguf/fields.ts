import { show } from "@mamba/core/safetensors";
import { CheckpointError } from "../errors.ts";
import type { GgufMetadata, GgufValue } from "../formats/gguf/metadata.ts";
import { maxLayers } from "../json/fields.ts";

/** Reads fields of GGUF metadata by their keys, with checks. A field that is absent is undefined. */
export class GgufFields {
  readonly #metadata: GgufMetadata;
  readonly #file: string;
  readonly #prefix: string;

  /**
   * @param file for messages, which begin with it
   * @param prefix stands before every key. Default: none
   */
  constructor(metadata: GgufMetadata, file: string, prefix = "") {
    this.#metadata = metadata;
    this.#file = file;
    this.#prefix = prefix;
  }

  /** The fields of the same file without a prefix. */
  get all(): GgufFields {
    return new GgufFields(this.#metadata, this.#file);
  }

  has(key: string): boolean {
    return this.#get(key) !== undefined;
  }

  /** A whole number from 0 on, of any integer type. */
  count(key: string): number | undefined {
    const found = this.#get(key);
    if (found === undefined) return undefined;
    const value = isInteger(found) ? Number(found.value) : NaN;
    if (Number.isSafeInteger(value) && value >= 0) return value;
    return this.#unexpected(key, "a whole number from 0 on", found);
  }

  /** `count`, or an error for a field that is absent. */
  needed(key: string): number {
    return this.count(key) ?? this.missing(key);
  }

  /** The number of layers. The bound keeps a damaged file from filling the memory. */
  layers(): number {
    const count = this.needed("block_count");
    if (count >= 1 && count <= maxLayers) return count;
    throw this.wrong("block_count", `must be from 1 to ${maxLayers}, got ${count}`);
  }

  /** A whole number from 0 on for each layer: one for all, or an array. */
  perLayer(key: string, layers: number): readonly number[] | undefined {
    const found = this.#get(key);
    if (found?.type !== "array") {
      const one = this.count(key);
      return one === undefined ? undefined : Array.from({ length: layers }, () => one);
    }
    const rule = `a whole number from 0 on, or ${layers} of them`;
    if (!/^[ui]\d+$/.test(found.items) || found.value.length !== layers)
      return this.#unexpected(key, rule, found);
    const values = Array.from(found.value as ArrayLike<number | bigint>, Number);
    return values.every((value) => Number.isSafeInteger(value) && value >= 0)
      ? values
      : this.#unexpected(key, rule, found);
  }

  /** A number. An f32 is given with as few digits as tell it apart: the nearest f32 to 1e-5 is 1e-5. */
  number(key: string): number | undefined {
    const found = this.#get(key);
    if (found === undefined) return undefined;
    if (found.type === "f64") return found.value;
    if (found.type !== "f32") return this.#unexpected(key, "a number", found);
    const short = Number(found.value.toPrecision(7));
    return Math.fround(short) === found.value ? short : found.value;
  }

  boolean(key: string): boolean | undefined {
    const found = this.#get(key);
    return found === undefined || found.type === "bool"
      ? found?.value
      : this.#unexpected(key, "a boolean", found);
  }

  string(key: string): string | undefined {
    const found = this.#get(key);
    return found === undefined || found.type === "string"
      ? found?.value
      : this.#unexpected(key, "a string", found);
  }

  /** The strings of an array. */
  strings(key: string): readonly string[] | undefined {
    const found = this.#get(key);
    if (found === undefined) return undefined;
    return found.type === "array" && found.items === "string"
      ? found.value
      : this.#unexpected(key, "an array of strings", found);
  }

  /** @throws CheckpointError `CONFIG` */
  missing(key: string): never {
    throw new CheckpointError("CONFIG", `${this.#file}: the metadata has no ${this.#prefix}${key}`);
  }

  /** An error `CONFIG` about a field. */
  wrong(key: string, problem: string): CheckpointError {
    return new CheckpointError("CONFIG", `${this.#file}: ${this.#prefix}${key} ${problem}`);
  }

  /** An error `UNSUPPORTED_MODEL`. */
  unsupported(feature: string): CheckpointError {
    return new CheckpointError("UNSUPPORTED_MODEL", `${this.#file}: models with ${feature} cannot be loaded`);
  }

  /** An error `MISSING_TENSOR`. */
  missingTensor(name: string): CheckpointError {
    return new CheckpointError("MISSING_TENSOR", `${this.#file}: the tensor ${name} is missing`);
  }

  #get(key: string): GgufValue | undefined {
    return this.#metadata.get(this.#prefix + key);
  }

  #unexpected(key: string, rule: string, { type, value }: GgufValue): never {
    const found =
      type === "array" ? "an array" : `${type} ${typeof value === "bigint" ? value : show(value)}`;
    throw this.wrong(key, `must be ${rule}, got ${found}`);
  }
}

function isInteger(value: GgufValue): value is Extract<GgufValue, { value: number | bigint }> {
  return /^[ui]\d+$/.test(value.type);
}
