import { Scope } from "@mamba/kernel";
import { checkOptions, whole } from "../checkOptions.ts";
import { MambaError } from "../errors.ts";
import type { MambaLM } from "../model/mambaLM.ts";
import { checkIds } from "./checkIds.ts";
import { Checkpoints } from "./checkpoints.ts";
import { freshSeed, seedRule } from "./seed.ts";
import {
  cloneContents,
  disposeContents,
  type SequenceContents,
  truncateContents,
} from "./sequenceContents.ts";
import { TokenHistory } from "./tokenHistory.ts";

export interface SeedOptions {
  /** Default: a random seed for a new state, that of the original for a clone. */
  readonly seed?: number | undefined;
}

// For the other files of this folder: the static block below assigns them.

/** A state over `contents`, which it owns. */
export let createState: (model: MambaLM, contents: SequenceContents) => GenerationState;

/** The contents of a state. They stay the state's. Throws MambaError `IN_USE`. */
export let contentsOf: (state: GenerationState) => SequenceContents;

/** Marks a state as in use until the result is disposed. Throws MambaError `IN_USE`. */
export let borrow: (state: GenerationState) => Disposable;

/** Frees the contents of a state and gives it others, also while it is in use. */
export let replaceContents: (state: GenerationState, contents: SequenceContents) => void;

/**
 * One sequence between generations: everything that its continuation depends on. `generate` goes on from it and advances it in
 * place; `Decoder.add` copies it; `saveState` turns it into bytes.
 *
 * A state belongs to a model, and to the adapter that was attached when it was computed. While a generation advances it, it
 * takes no other call but `dispose`: MambaError `IN_USE`.
 */
export class GenerationState implements Disposable {
  readonly model: MambaLM;
  #contents: SequenceContents;
  #isInUse = false;
  #isDisposed = false;

  private constructor(model: MambaLM, contents: SequenceContents) {
    this.model = model;
    this.#contents = contents;
  }

  /**
   * A sequence that begins with `ids`, none of which is read yet. It takes device memory only when it is read.
   *
   * @throws MambaError `INPUT` when an id is not in the vocabulary; `OPTIONS`
   */
  static start(model: MambaLM, ids: readonly number[], options: SeedOptions = {}): GenerationState {
    checkOptions("GenerationState.start", options, { seed: seedRule });
    checkIds(model, ids, "the prompt");
    const history = new TokenHistory();
    history.append(ids);
    return new GenerationState(model, {
      history,
      read: 0,
      seed: options.seed ?? freshSeed(),
      text: undefined,
      stack: undefined,
      logits: undefined,
      checkpoints: new Checkpoints(),
      adapter: model.adapter,
    });
  }

  /** All ids so far, input and generated ones. */
  get ids(): readonly number[] {
    return this.#free().history.ids;
  }

  /** The ids that are not read yet. After a generation, the last token. */
  get pending(): readonly number[] {
    const { history, read } = this.#free();
    return history.ids.slice(read);
  }

  /** Number of generated ids: with the seed, the position in the random stream. */
  get generated(): number {
    return this.#free().history.generatedCount;
  }

  /** Equal seeds give equal continuations. `generate` sets it when the option `seed` is given. */
  get seed(): number {
    return this.#free().seed;
  }

  /** True while a generation advances the state. */
  get isInUse(): boolean {
    return this.#isInUse;
  }

  /**
   * Appends input: the next turn of a conversation.
   *
   * @throws MambaError `INPUT` when an id is not in the vocabulary; `IN_USE`
   */
  append(ids: readonly number[]): void {
    const { history, logits, ...rest } = this.#free();
    checkIds(this.model, ids, "the appended input");
    if (ids.length === 0) return;
    history.append(ids);
    logits?.dispose();
    this.#contents = { ...rest, history, logits: undefined };
  }

  /**
   * Drops all ids after the first `length`, and appends `next`. The next generation goes on from the newest checkpoint before that
   * (option `checkpoints`), or from the start, and reads the ids after it again. What it computes equals the first reading to
   * rounding. With `next`, a checkpoint after exactly `length` ids needs no logits: so it is better than a call of `append` afterwards.
   *
   * @throws MambaError `INPUT` unless `length` is a whole number from 0 to the number of ids, or for an id of `next` that is not in
   * the vocabulary; `IN_USE`
   */
  truncate(length: number, next: readonly number[] = []): void {
    const contents = this.#free();
    checkIds(this.model, next, "the appended input");
    const { length: count } = contents.history;
    if (!Number.isInteger(length) || length < 0 || length > count) {
      throw new MambaError(
        "INPUT",
        `truncate: length must be a whole number from 0 to ${count}, got ${length}`,
      );
    }
    this.#contents = truncateContents(contents, length, next);
  }

  /**
   * Makes a prompt of all ids so far: the next generation draws its random numbers and counts its tokens for penalties as one that
   * begins with these ids. What is read stays read.
   *
   * @throws MambaError `IN_USE`, `OPTIONS`
   */
  treatAsPrompt(options: SeedOptions = {}): void {
    checkOptions("GenerationState.treatAsPrompt", options, { seed: seedRule });
    const contents = this.#free();
    contents.history.treatAsInput();
    this.#contents = { ...contents, seed: options.seed ?? contents.seed };
  }

  /**
   * Keeps a checkpoint of the ids that are read, such as at the end of an answer, for `truncate`. Nothing happens before the first.
   *
   * @param keep as `CheckpointOptions.keep`
   * @throws MambaError `IN_USE`; `OPTIONS` unless `keep` is a whole number >= 1; KernelError `OUT_OF_MEMORY`
   */
  checkpoint(keep = 8): void {
    checkOptions("GenerationState.checkpoint", { keep }, { keep: whole(1) });
    const { stack, read, logits, checkpoints } = this.#free();
    if (!stack) return;
    using scope = new Scope();
    const copy = scope.use(stack.checkpoint(0));
    const copiedLogits = logits && this.model.kernel.gatherRows(logits, [0]);
    checkpoints.push({ read, stack: scope.release(copy), logits: copiedLogits }, keep);
  }

  /**
   * An independent copy, to try several continuations from one point. With the same seed it continues as this one does.
   *
   * @throws MambaError `IN_USE`, `OPTIONS`
   */
  clone(options: SeedOptions = {}): GenerationState {
    checkOptions("GenerationState.clone", options, { seed: seedRule });
    const contents = this.#free();
    const { seed = contents.seed } = options;
    return new GenerationState(this.model, { ...cloneContents(this.model.kernel, contents), seed });
  }

  dispose(): void {
    if (!this.#isDisposed) disposeContents(this.#contents);
    this.#isDisposed = true;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** The contents, while nothing else uses them. */
  #free(): SequenceContents {
    if (this.#isDisposed) throw new MambaError("DISPOSED", "the generation state is disposed");
    if (!this.#isInUse) return this.#contents;
    const remedy = "wait until that generation ends, or clone the state before it";
    throw new MambaError("IN_USE", `a generation is advancing this state: ${remedy}`);
  }

  static {
    createState = (model, contents) => new GenerationState(model, contents);
    contentsOf = (state) => state.#free();
    borrow = (state) => {
      state.#free();
      state.#isInUse = true;
      return {
        [Symbol.dispose]: () => {
          state.#isInUse = false;
        },
      };
    };
    replaceContents = (state, contents) => {
      disposeContents(state.#isDisposed ? contents : state.#contents);
      if (!state.#isDisposed) state.#contents = contents;
    };
  }
}
