import type { Tensor } from "@mamba/kernel";
import type { StackState } from "../state/stackState.ts";

/** How a sequence keeps checkpoints: copies of its state, which `truncate` goes back to. */
export interface CheckpointOptions {
  /**
   * Tokens between two checkpoints, at least. Besides them there is one at the end of each prompt. Default: at the ends of
   * prompts only. A prompt is read in chunks, and a checkpoint lies at the end of a chunk.
   */
  readonly everyTokens?: number | undefined;
  /**
   * Numbers of ids after which there is a checkpoint with the logits, such as the ends of messages in a prompt. Chunks of the prompt
   * end there, so on a backend that scans by chunks what follows equals that of the whole prompt to rounding. Default: none.
   */
  readonly at?: readonly number[] | undefined;
  /**
   * Checkpoints that are kept, at most. Each takes the memory of one row, less its keys and values, and those at the ends of
   * prompts and of `at` also a row of logits. Above it the one goes that shortens the way back least: the two newest stay, and the
   * distances between the others grow with their age. Default 8.
   */
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

  /** In ascending order of `read`. They stay the owner's. */
  get items(): readonly Checkpoint[] {
    return this.#items;
  }

  /**
   * Takes ownership of `checkpoint`, and frees those above `keep`. It replaces one at the same position, unless only that one has
   * logits. A state that went back to read again may lie before the newest.
   */
  push(checkpoint: Checkpoint, keep: number): void {
    const place = this.#items.filter(({ read }) => read < checkpoint.read).length;
    const found = this.#items[place];
    const same = found?.read === checkpoint.read ? found : undefined;
    if (same?.logits && !checkpoint.logits) {
      free(checkpoint);
      return;
    }
    this.#items.splice(place, same ? 1 : 0, checkpoint);
    if (same) free(same);
    while (this.#items.length > keep) {
      for (const old of this.#items.splice(leastUseful(this.#items), 1)) free(old);
    }
  }

  /**
   * The newest checkpoint from which the logits after `length` ids can be computed: one before them, or one at them with
   * logits. It stays the owner's.
   *
   * @param isContinued true when other ids follow, so that one at `length` needs no logits
   */
  newestFor(length: number, isContinued = false): Checkpoint | undefined {
    const usable = this.#items.filter(
      ({ read, logits }) => read < length || (read === length && (isContinued || logits !== undefined)),
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

/**
 * Index of the checkpoint whose loss costs least, never one of the two newest. A way back to a position after checkpoint i, at r_i,
 * reads r_i - r_(i-1) positions more without it; there are r_(i+1) - r_i such positions, and their use falls with the square of
 * their age. With this rule the ages that stay grow geometrically.
 */
function leastUseful(items: readonly Checkpoint[]): number {
  const reads = items.map(({ read }) => read);
  const newest = reads.at(-1) ?? 0;
  let [best, least] = [0, Infinity];
  for (const [i, read] of reads.slice(0, -2).entries()) {
    const [before = 0, after = newest] = [reads[i - 1], reads[i + 1]];
    const cost = ((read - before) * (after - read)) / (newest - read) ** 2;
    if (cost < least) [best, least] = [i, cost];
  }
  return best;
}

function free({ stack, logits }: Checkpoint): void {
  stack.dispose();
  logits?.dispose();
}
