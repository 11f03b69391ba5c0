import type { Kernel } from "@mamba/kernel";
import { MambaCache, type CacheShape } from "./cache.ts";
import { packCache, unpackCache } from "./container.ts";
import { MambaError } from "./errors.ts";
import type { MambaLM } from "./model.ts";

/**
 * Where a generation stands: everything that `generate` needs to go on, in this process or another one, on this
 * backend or another one. `generate` advances it in place.
 */
export class GenerationState implements Disposable {
  readonly cache: MambaCache;
  /** Per row: ids that the cache has not consumed yet. After a generation, the last token of each row. */
  readonly pending: number[][];
  /** Per row: the distinct ids so far, for the repetition penalty. */
  readonly seen: readonly Set<number>[];
  /** Tokens drawn so far: the position in the random stream. */
  drawn: number;

  constructor(cache: MambaCache, pending: number[][], seen: readonly Set<number>[], drawn: number) {
    this.cache = cache;
    this.pending = pending;
    this.seen = seen;
    this.drawn = drawn;
  }

  /** A start from prompts, one row each; their lengths may differ. */
  static start(model: MambaLM, prompts: readonly (readonly number[])[]): GenerationState {
    checkIds(model, prompts);
    const cache = model.createCache(prompts.length);
    return new GenerationState(
      cache,
      prompts.map((ids) => [...ids]),
      prompts.map((ids) => new Set(ids)),
      0,
    );
  }

  /** Appends input to each row: the next turn of a conversation. */
  append(model: MambaLM, prompts: readonly (readonly number[])[]): void {
    if (prompts.length !== this.cache.batch) {
      throw new MambaError("INPUT", `the state has ${this.cache.batch} rows, got ${prompts.length} prompts`);
    }
    checkIds(model, prompts);
    prompts.forEach((ids, row) => {
      this.pending[row]?.push(...ids);
      for (const id of ids) this.seen[row]?.add(id);
    });
  }

  /** An independent copy, to try several continuations from one point. */
  clone(): GenerationState {
    const pending = this.pending.map((ids) => [...ids]);
    return new GenerationState(
      this.cache.clone(),
      pending,
      this.seen.map((ids) => new Set(ids)),
      this.drawn,
    );
  }

  /** The state in bytes, with a versioned header. */
  async serialize(): Promise<Uint8Array> {
    const { pending, drawn } = this;
    return packCache(this.cache, { pending, seen: this.seen.map((ids) => [...ids]), drawn });
  }

  /**
   * The reverse of `serialize`, for a model of the same shape on any kernel.
   *
   * @throws MambaError `CACHE` when the bytes are damaged, of another version, or of a model of another shape.
   */
  static deserialize(model: MambaLM, bytes: Uint8Array): GenerationState {
    const { header, batch, data } = unpackCache(bytes, model.config);
    const rows = (field: string): number[][] => {
      const value = header[field];
      const valid = (ids: unknown) => Array.isArray(ids) && ids.every((id) => isTokenId(model, id));
      if (Array.isArray(value) && value.length === batch && value.every(valid)) return value as number[][];
      throw new MambaError(
        "CACHE",
        `saved state: ${field} must be ${batch} lists of ids below ${model.config.vocabSize}`,
      );
    };
    const drawn = header["drawn"];
    if (typeof drawn !== "number" || !Number.isSafeInteger(drawn) || drawn < 0) {
      throw new MambaError("CACHE", `saved state: drawn must be a whole number >= 0, got ${String(drawn)}`);
    }
    const pending = rows("pending");
    const seen = rows("seen").map((ids) => new Set(ids));
    return new GenerationState(
      MambaCache.upload(model.kernel, model.config, batch, data),
      pending,
      seen,
      drawn,
    );
  }

  dispose(): void {
    this.cache.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** The bytes of a cache alone, with a versioned header. */
export function serializeCache(cache: MambaCache): Promise<Uint8Array> {
  return packCache(cache, {});
}

/**
 * The reverse of `serializeCache`, on any kernel.
 *
 * @throws MambaError `CACHE` when the bytes are damaged, of another version, or of a model of another shape.
 */
export function deserializeCache(kernel: Kernel, config: CacheShape, bytes: Uint8Array): MambaCache {
  const { batch, data } = unpackCache(bytes, config);
  return MambaCache.upload(kernel, config, batch, data);
}

function isTokenId(model: MambaLM, id: unknown): boolean {
  return Number.isInteger(id) && (id as number) >= 0 && (id as number) < model.config.vocabSize;
}

function checkIds(model: MambaLM, prompts: readonly (readonly number[])[]): void {
  if (prompts.length === 0) throw new MambaError("INPUT", "there must be at least one prompt, got none");
  for (const [row, ids] of prompts.entries()) {
    const wrong = ids.find((id) => !isTokenId(model, id));
    if (wrong !== undefined) {
      const rule = `whole numbers from 0 to ${model.config.vocabSize - 1}`;
      throw new MambaError("INPUT", `token ids of prompt ${row} must be ${rule}, got ${wrong}`);
    }
  }
}
