import { MambaError } from "../errors.ts";
import type { MambaLM } from "../model/mambaLM.ts";
import { uniformAt } from "../random.ts";
import { packState, unpackState } from "../state/container.ts";
import { StackState } from "../state/stackState.ts";

/** The position of a generation besides the state of the stack. */
interface Position {
  readonly pending: readonly (readonly number[])[];
  readonly seen: readonly (readonly number[])[];
  readonly drawn: number;
}

/**
 * Everything that `generate` needs to go on, in this process or another one, on this backend or another one. `generate`
 * advances it in place.
 */
export class GenerationState implements Disposable {
  /** The state of the model's stack after all ids that are not pending. */
  readonly stack: StackState;
  readonly #pending: number[][];
  readonly #seen: readonly Set<number>[];
  #drawn: number;

  private constructor(stack: StackState, { pending, seen, drawn }: Position) {
    this.stack = stack;
    this.#pending = pending.map((ids) => [...ids]);
    this.#seen = seen.map((ids) => new Set(ids));
    this.#drawn = drawn;
  }

  /**
   * A start from prompts, one row each; their lengths may differ.
   *
   * @throws MambaError `INPUT` when there is no prompt, or an id is not in the vocabulary
   */
  static start(model: MambaLM, prompts: readonly (readonly number[])[]): GenerationState {
    checkIds(model, prompts);
    return new GenerationState(model.createState(prompts.length), {
      pending: prompts,
      seen: prompts,
      drawn: 0,
    });
  }

  /** Rows, B. */
  get batch(): number {
    return this.stack.batch;
  }

  /** Per row: ids that the stack has not read yet. After a generation, the last token of each row. */
  get pending(): readonly (readonly number[])[] {
    return this.#pending;
  }

  /** Per row: the distinct ids so far, for the repetition penalty. */
  get seen(): readonly ReadonlySet<number>[] {
    return this.#seen;
  }

  /** Tokens drawn so far: the position in the random stream. */
  get drawn(): number {
    return this.#drawn;
  }

  /**
   * Appends input to each row: the next turn of a conversation.
   *
   * @throws MambaError `INPUT` unless there is one prompt per row, of ids in the vocabulary
   */
  append(model: MambaLM, prompts: readonly (readonly number[])[]): void {
    if (prompts.length !== this.batch) {
      throw new MambaError("INPUT", `the state has ${this.batch} rows, got ${prompts.length} prompts`);
    }
    checkIds(model, prompts);
    prompts.forEach((ids, row) => {
      this.#pending[row]?.push(...ids);
      for (const id of ids) this.#seen[row]?.add(id);
    });
  }

  /** Marks the first `counts[row]` pending ids of each row as read by the stack. */
  take(counts: readonly number[]): void {
    counts.forEach((count, row) => this.#pending[row]?.splice(0, count));
  }

  /** One random number in [0, 1) per row for the next token; the same numbers until `push`. */
  draw(seed: number): number[] {
    return this.#pending.map((_, row) => uniformAt(seed, row, this.#drawn));
  }

  /** Adds the drawn token of each row; undefined leaves a row as it is. */
  push(ids: readonly (number | undefined)[]): void {
    this.#drawn++;
    ids.forEach((id, row) => {
      if (id === undefined) return;
      this.#pending[row] = [id];
      this.#seen[row]?.add(id);
    });
  }

  /** An independent copy, to try several continuations from one point. */
  clone(): GenerationState {
    return new GenerationState(this.stack.clone(), this.#position());
  }

  /** The state in bytes, with a versioned header. */
  async serialize(): Promise<Uint8Array> {
    return packState(this.stack, this.#position());
  }

  /**
   * The reverse of `serialize`, for a model of the same shape on any kernel.
   *
   * @throws MambaError `CACHE` when the bytes are damaged, of another version, or of a model of another shape.
   */
  static deserialize(model: MambaLM, bytes: Uint8Array): GenerationState {
    const specs = model.backbone.state;
    const { header, batch, data } = unpackState(bytes, specs);
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
    const position = { pending: rows("pending"), seen: rows("seen"), drawn };
    return new GenerationState(StackState.upload(model.kernel, specs, batch, data), position);
  }

  #position(): Position {
    return { pending: this.#pending, seen: this.#seen.map((ids) => [...ids]), drawn: this.#drawn };
  }

  dispose(): void {
    this.stack.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function isTokenId(model: MambaLM, id: unknown): boolean {
  return typeof id === "number" && Number.isInteger(id) && id >= 0 && id < model.config.vocabSize;
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
