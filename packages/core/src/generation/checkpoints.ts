import type { Tensor } from "@mamba/kernel";
import type { StackState } from "../state/stackState.ts";

/** How a sequence keeps checkpoints: copies of its state, which `truncate` goes back to. */
export interface CheckpointOptions {
  /**
   * Tokens between two checkpoints, at least. Besides them there is one at the end of each prompt. Default: at the ends of
   * prompts only. A prompt is read in chunks, and a checkpoint lies at the end of a chunk.
   */
  readonly everyTokens?: number | undefined;
  /** The newest checkpoints that are kept. Each takes the memory of one row, less its keys and values. Default 8. */
  readonly keep?: number | undefined;
}

/**
 * The state of a sequence after its first `read` ids, without the tensors that grow: the sequence's own hold these positions. Never
 * written to, so that copies of a sequence share its memory.
 */
export interface Checkpoint {
  readonly read: number;
  /** One row: `StackState.checkpoint`. */
  readonly stack: StackState;
  /** f32 [1, V] after the last id; undefined when they were not kept. */
  readonly logits: Tensor | undefined;
}

/** The checkpoints of one sequence, in ascending order of `read`. */
export class Checkpoints implements Disposable {
  #items: Checkpoint[];

  constructor(items: readonly Checkpoint[] = []) {
    this.#items = [...items];
  }

  /** Positions that were read at the newest; 0 without any. */
  get newest(): number {
    return this.#items.at(-1)?.read ?? 0;
  }

  /** Takes ownership of `checkpoint`, and frees the oldest above `keep`. */
  push(checkpoint: Checkpoint, keep: number): void {
    this.#items.push(checkpoint);
    for (const old of this.#items.splice(0, Math.max(this.#items.length - keep, 0))) free(old);
  }

  /**
   * The newest checkpoint from which the logits after `length` ids can be computed: one before them, or one at them with
   * logits. It stays the owner's.
   */
  newestFor(length: number): Checkpoint | undefined {
    const usable = this.#items.filter(
      ({ read, logits }) => read < length || (read === length && logits !== undefined),
    );
    return usable.at(-1);
  }

  /** Frees all checkpoints after the first `length` ids. */
  truncate(length: number): void {
    for (const item of this.#items) if (item.read > length) free(item);
    this.#items = this.#items.filter(({ read }) => read <= length);
  }

  /** A copy over the same memory. */
  shared(): Checkpoints {
    return new Checkpoints(
      this.#items.map(({ read, stack, logits }) => ({
        read,
        stack: stack.shared(),
        logits: logits && stack.kernel.reshape(logits, logits.shape),
      })),
    );
  }

  [Symbol.dispose](): void {
    for (const item of this.#items) free(item);
    this.#items = [];
  }
}

function free({ stack, logits }: Checkpoint): void {
  stack.dispose();
  logits?.dispose();
}
