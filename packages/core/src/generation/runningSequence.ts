import { Scope, type Tensor } from "@mamba/kernel";
import type { StackState } from "../state/stackState.ts";
import { allowMask } from "./allowMask.ts";
import type { Checkpoints } from "./checkpoints.ts";
import type { SequenceOptions, TokenContext } from "./options.ts";
import type { SequenceContents } from "./sequenceContents.ts";
import { TextStream } from "./textStream.ts";
import type { TokenHistory } from "./tokenHistory.ts";

/** A sequence of a `Decoder`. It changes with the decoder's steps. */
export interface DecoderSequence {
  /** Number of the sequence in its decoder, in the order of `add`, from 0. */
  readonly id: number;
  /** Given again, it repeats the text. */
  readonly seed: number;
  /** All ids so far, input and generated ones. */
  readonly ids: readonly number[];
  /** Ids that are not read yet. */
  readonly unread: number;
  /**
   * "reading": its prompt is not read completely, and it has no token yet. "writing": each step gives a token. "ended": it gives
   * no more tokens, and leaves with the next call of `step` or `add`. "left": the decoder has forgotten it.
   */
  readonly status: "reading" | "writing" | "ended" | "left";
}

/** A token with its log-probability: that of the model, before penalties, masks and temperature. */
export interface TokenLogProb {
  readonly id: number;
  readonly logProb: number;
}

/** A result of the op `sample` for one row. */
export interface ChosenToken {
  readonly id: number;
  readonly logProb?: number | undefined;
  readonly topLogProbs?: readonly TokenLogProb[] | undefined;
}

/** One token of a sequence. */
export interface SequenceToken extends ChosenToken {
  /** Text that became certain with this token; needs a tokenizer, "" otherwise. A stop string is never part of it. */
  readonly text: string;
  /** Why the sequence ends with this token: a stop id or string, or `maxTokens`. */
  readonly finish?: "stop" | "length";
  /**
   * With `finish: "length"`: text that is not certain yet, such as a part of a character or the possible beginning of a stop
   * string. Show it where the sequence is not continued.
   */
  readonly rest?: string;
}

/** A sequence in a row of a decoder. */
export class RunningSequence implements DecoderSequence {
  readonly id: number;
  readonly seed: number;
  readonly history: TokenHistory;
  readonly options: SequenceOptions;
  readonly checkpoints: Checkpoints;
  /** Undefined where `allow` is a function or not given. */
  readonly constantMask: Int32Array | undefined;
  /** True when no logit is changed before the draw. */
  readonly isPlain: boolean;
  status: DecoderSequence["status"] = "reading";
  /** Ids that the stack has read. */
  read: number;
  /** Row of the decoder's state. */
  row = -1;
  /** [1, V]: logits from which no token is chosen yet. Owned. */
  logits: Tensor | undefined;
  /** Tokens of this generation. */
  count = 0;
  readonly #maxTokens: number;
  readonly #stopIds: ReadonlySet<number>;
  readonly #stream: TextStream | undefined;
  readonly #contents: SequenceContents;

  /** Takes ownership of the checkpoints and logits of `contents`, and of the history; its stack stays the caller's. */
  constructor(id: number, contents: SequenceContents, options: SequenceOptions, vocabSize: number) {
    const { history, text, read, logits, checkpoints } = contents;
    const { tokenizer, stop, stopIds, specialTokens, maxTokens = 128, allow } = options;
    this.constantMask = typeof allow === "object" ? allowMask(allow, vocabSize) : undefined;
    const { repetitionPenalty = 1, frequencyPenalty = 0, presencePenalty = 0, logitBias } = options;
    this.isPlain =
      repetitionPenalty === 1 && frequencyPenalty === 0 && presencePenalty === 0 && logitBias === undefined;
    this.id = id;
    this.seed = options.seed ?? contents.seed;
    this.history = history;
    this.options = options;
    this.checkpoints = checkpoints;
    this.read = read;
    this.logits = logits;
    this.#maxTokens = maxTokens;
    this.#stopIds = new Set(stopIds ?? tokenizer?.stopIds);
    this.#contents = contents;
    if (!tokenizer) return;
    this.#stream = new TextStream(tokenizer, { stop, specialTokens, snapshot: text?.snapshot });
    const before = history.ids.slice(text?.length ?? 0);
    if (before.length > 0) this.#stream.read(before);
  }

  get ids(): readonly number[] {
    return this.history.ids;
  }

  get unread(): number {
    return this.history.length - this.read;
  }

  /** Ids that a chunk may read: up to the end of the prompt or the next place of a checkpoint. */
  get readable(): number {
    const { read, unread } = this;
    return (this.options.checkpoints?.at ?? []).reduce(
      (least, at) => (at > read ? Math.min(least, at - read) : least),
      unread,
    );
  }

  /** True when its one unread id is a token that it generated: it is read by a step. */
  get continues(): boolean {
    return this.unread === 1 && this.history.isGenerated(this.read);
  }

  /** True when it has had all its tokens. */
  get isComplete(): boolean {
    return this.count >= this.#maxTokens;
  }

  get context(): TokenContext {
    return { ids: this.history.ids, count: this.count };
  }

  /** The most ids that it reads: all that it has and those that it may still generate. */
  get finalLength(): number {
    return this.history.length + this.#maxTokens - this.count;
  }

  /** Adds a chosen token. */
  accept(choice: ChosenToken): SequenceToken {
    const { id } = choice;
    this.history.push(id, true);
    this.count++;
    this.dropLogits();
    const stream = this.#stream;
    if (this.#stopIds.has(id)) {
      const text = stream?.rest() ?? "";
      stream?.read([id]);
      return this.#end({ ...choice, text, finish: "stop" });
    }
    const { text, stopped } = stream?.push(id) ?? { text: "", stopped: false };
    if (stopped) return this.#end({ ...choice, text, finish: "stop" });
    if (this.isComplete) return this.#end({ ...choice, text, finish: "length", rest: stream?.rest() ?? "" });
    return { ...choice, text };
  }

  #end(token: SequenceToken): SequenceToken {
    this.status = "ended";
    return token;
  }

  /**
   * Keeps a copy of the state for `truncate`, where the options ask for one here.
   *
   * @param isPromptEnd true when the prompt is read
   * @param takeRow makes a checkpoint of the state
   * @param takeLogits copies the logits
   */
  keepCheckpoint(isPromptEnd: boolean, takeRow: () => StackState, takeLogits: () => Tensor): void {
    const { checkpoints: options } = this.options;
    if (!options) return;
    const { everyTokens = Infinity, at = [], keep = 8 } = options;
    const { read } = this;
    const withLogits = isPromptEnd || at.includes(read);
    if (!withLogits && read - this.checkpoints.newest < everyTokens) return;
    using scope = new Scope();
    const stack = scope.use(takeRow());
    const logits = withLogits ? takeLogits() : undefined;
    this.checkpoints.push({ read, stack: scope.release(stack), logits }, keep);
  }

  dropLogits(): void {
    this.logits?.dispose();
    this.logits = undefined;
  }

  /** The contents over `stack`, one row. Everything in them belongs to this sequence, but the stack. */
  contents(stack: StackState): SequenceContents {
    const { history, read, seed, logits, checkpoints } = this;
    const text = this.#stream
      ? { snapshot: this.#stream.snapshot(), length: history.length }
      : this.#contents.text;
    return { ...this.#contents, history, read, seed, text, stack, logits, checkpoints };
  }

  /** Frees its memory outside the decoder's rows. */
  dispose(): void {
    this.status = "left";
    this.dropLogits();
    this.checkpoints[Symbol.dispose]();
  }
}
