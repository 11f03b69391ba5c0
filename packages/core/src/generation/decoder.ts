import { KernelError, Scope, type Tensor } from "@mamba/kernel";
import { checkOptions, flag, type Rules, whole } from "../checkOptions.ts";
import { MambaError } from "../errors.ts";
import type { MambaLM } from "../model/mambaLM.ts";
import { type Choices, chooseTokens, type LogitsGroup } from "./chooseTokens.ts";
import { createState, type GenerationState } from "./generationState.ts";
import { joiningContents } from "./joining.ts";
import { checkSequenceOptions, type SequenceOptions } from "./options.ts";
import { RowTable } from "./rowTable.ts";
import { type DecoderSequence, RunningSequence, type SequenceToken } from "./runningSequence.ts";
import { cloneContents, disposeContents } from "./sequenceContents.ts";
import { yieldToEventLoop } from "./yieldToEventLoop.ts";

export interface DecoderConfig {
  /** The most sequences at a time. Their states are allocated at once, but for keys and values, which grow with the longest sequence. */
  readonly capacity: number;
  /**
   * Positions of prompts per step, at most: memory grows with it, and the time of a step. From 64 on it is rounded down to a
   * multiple of 64. Default 512.
   */
  readonly chunkLength?: number | undefined;
  /**
   * The most positions of a sequence. A sequence that would read one more fails with `LENGTH`, and the others go on. It also bounds
   * the memory of models whose state grows, see `stateBytes`. Default: no bound but the memory.
   */
  readonly maxLength?: number | undefined;
  /**
   * False: a step reads a chunk of a prompt and gives a token of each sequence whose prompt is read, so a long prompt does not
   * stop the others. True: no sequence gets a second token while a prompt is not read, which takes fewer steps. Default false.
   */
  readonly promptsFirst?: boolean | undefined;
}

const configRules: Rules<DecoderConfig> = {
  capacity: whole(1),
  chunkLength: whole(1),
  maxLength: whole(1),
  promptsFirst: flag,
};

/** Chunks of a prompt have a multiple of these positions, but for the last one. */
const chunkMultiple = 64;

/** The tokens of one step, and the sequences that ended with an error. */
export interface DecoderStep {
  readonly tokens: readonly (SequenceToken & { readonly sequence: DecoderSequence })[];
  readonly failed: readonly SequenceFailure[];
}

export interface SequenceFailure {
  readonly sequence: DecoderSequence;
  /** MambaError `NON_FINITE` or `LENGTH`, KernelError `OUT_OF_MEMORY` where its state has no room to grow, the reason of its signal, an error of a hook, or one of the device. */
  readonly error: unknown;
}

/**
 * Generates many sequences together, each with its own options, seed and end. They join and leave between steps. On a kernel with
 * `capabilities.batchInvariant` a sequence gives the same tokens whatever the others are; elsewhere to rounding of its logits.
 *
 * `add` takes a prompt or a state, `step` gives the next token of each sequence, `remove` ends one early. A sequence that has
 * ended leaves by itself with the next `step` or `add`; until then `snapshot` copies its state. `add`, `remove` and `snapshot`
 * may be called at any time, also while a step is in progress, except for `snapshot`, which then throws `IN_USE`.
 */
export class Decoder implements Disposable {
  readonly model: MambaLM;
  readonly capacity: number;
  readonly #chunkLength: number;
  readonly #maxLength: number | undefined;
  readonly #promptsFirst: boolean;
  readonly #table: RowTable;
  #added = 0;
  #isStepping = false;
  #isDisposed = false;

  /** @throws MambaError `OPTIONS`; KernelError `OUT_OF_MEMORY` */
  constructor(model: MambaLM, config: DecoderConfig) {
    checkOptions("Decoder", config, configRules);
    const { capacity, chunkLength = 512, maxLength, promptsFirst = false } = config;
    if (typeof capacity !== "number") throw new MambaError("OPTIONS", "Decoder: option capacity is missing");
    this.model = model;
    this.capacity = capacity;
    this.#chunkLength =
      chunkLength < chunkMultiple ? chunkLength : chunkLength - (chunkLength % chunkMultiple);
    this.#maxLength = maxLength;
    this.#promptsFirst = promptsFirst;
    this.#table = new RowTable(model, capacity, maxLength);
  }

  /** The sequences that have not left, in no particular order. */
  get sequences(): readonly DecoderSequence[] {
    return [...this.#table.sequences];
  }

  /** Sequences that can be added now. */
  get free(): number {
    return this.capacity - this.#table.sequences.filter(({ status }) => status !== "ended").length;
  }

  /**
   * Adds a sequence: token ids, text (with `options.tokenizer`), or a state, which is copied. With one seed a state and its copies
   * continue alike: `options.seed` makes them differ.
   *
   * @throws MambaError `CAPACITY` when `free` is 0; `INPUT` (the prompt), `OPTIONS`; `LENGTH` for more ids than `maxLength`;
   * `CACHE` for a state of another model; KernelError `OUT_OF_MEMORY`
   */
  add(input: string | readonly number[] | GenerationState, options: SequenceOptions = {}): DecoderSequence {
    this.#checkAlive();
    const { model } = this;
    checkSequenceOptions("Decoder.add", options, model.config.vocabSize);
    if (this.free === 0) {
      throw new MambaError(
        "CAPACITY",
        `all ${this.capacity} rows of the decoder are taken; remove a sequence`,
      );
    }
    this.#leaveEnded();
    const contents = joiningContents(model, input, options);
    try {
      const { length } = contents.history;
      if (length > (this.#maxLength ?? Infinity))
        throw tooLong("Decoder.add: the input", this.#maxLength, length);
      const sequence = new RunningSequence(this.#added, contents, options, model.config.vocabSize);
      this.#table.join(sequence, contents.stack);
      this.#added++;
      return sequence;
    } catch (error) {
      disposeContents({ ...contents, stack: undefined });
      throw error;
    }
  }

  /** Ends a sequence, whose row is free at once. Nothing happens when it has left already. */
  remove(sequence: DecoderSequence): void {
    const found = this.#table.sequences.find((other) => other === sequence);
    if (found) this.#table.leave(found);
  }

  /**
   * A copy of a sequence's state, to save it, to go on from it later, or to add it again: a fork.
   *
   * @throws MambaError `INPUT` when the sequence has left; `IN_USE` while a step is in progress
   */
  snapshot(sequence: DecoderSequence): GenerationState {
    this.#checkAlive();
    if (this.#isStepping) throw new MambaError("IN_USE", "Decoder.snapshot: wait for the step in progress");
    const found = this.#table.sequences.find((other) => other === sequence);
    if (!found)
      throw new MambaError("INPUT", `Decoder.snapshot: sequence ${sequence.id} has left the decoder`);
    using row = this.#table.rows.view(found.row, 1);
    return createState(this.model, cloneContents(this.model.kernel, found.contents(row)));
  }

  /**
   * Reads a chunk of a prompt, if there is one, and gives the next token of each sequence whose prompt is read. A sequence whose
   * own error ends it is in `failed`, and the others go on. An error of the device is in `failed` for all sequences that took
   * part, since their states are not known.
   *
   * @throws MambaError `IN_USE` while another step is in progress
   */
  async step(): Promise<DecoderStep> {
    this.#checkAlive();
    if (this.#isStepping) throw new MambaError("IN_USE", "Decoder.step: another step is in progress");
    this.#isStepping = true;
    try {
      await yieldToEventLoop();
      return await this.#step();
    } finally {
      this.#isStepping = false;
      if (this.#isDisposed) this.#table[Symbol.dispose]();
    }
  }

  /** Frees all memory, that of a step in progress at its end. */
  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    if (!this.#isStepping) this.#table[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  async #step(): Promise<DecoderStep> {
    if (this.#isDisposed) return { tokens: [], failed: [] };
    const failed: SequenceFailure[] = [];
    const fail = (sequence: RunningSequence, error: unknown): void => {
      if (sequence.status === "left") return;
      this.#table.leave(sequence);
      failed.push({ sequence, error });
    };
    this.#leaveEnded();
    for (const sequence of this.#table.sequences.filter(({ options }) => options.signal?.aborted)) {
      fail(sequence, sequence.options.signal?.reason);
    }
    using scope = new Scope();
    const groups = this.#restored();
    const passed = groups.flatMap(({ sequences }) => sequences);
    const pass = (sequences: readonly RunningSequence[], body: () => LogitsGroup[]): void => {
      try {
        groups.push(...body());
        passed.push(...sequences);
      } catch (error) {
        for (const sequence of sequences) fail(sequence, error);
      }
    };
    const chunk = this.#withRoom(() => this.#nextChunk(), fail);
    if (chunk) pass(chunk.sequences, () => this.#read(chunk, scope));
    if (!this.#promptsFirst || !this.#nextChunk()) {
      const writing = this.#withRoom(() => this.#nextTokens(), fail);
      if (writing) pass(writing.sequences, () => this.#advance(writing.sequences, scope));
    }
    const { kernel } = this.model;
    try {
      if (groups.length === 0) await kernel.sync();
      else return { tokens: this.#accept(await chooseTokens(kernel, groups), fail), failed };
    } catch (error) {
      for (const sequence of passed) fail(sequence, error);
    }
    return { tokens: [], failed };
  }

  /**
   * Makes room in the state for the next chunk. Sequences that have no room for it fail, until those that are left in the chunk
   * have it.
   */
  #withRoom(
    next: () => Chunk | undefined,
    fail: (sequence: RunningSequence, error: unknown) => void,
  ): Chunk | undefined {
    if (!this.#table.rows.isBounded) return next();
    for (let chunk = next(); chunk; chunk = next()) {
      const { sequences, length } = chunk;
      const maxLength = this.#maxLength ?? Infinity;
      const above = (limit: number) => sequences.filter(({ read }) => read + length > limit);
      const tooMany = above(maxLength);
      for (const sequence of tooMany) {
        fail(sequence, tooLong(`sequence ${sequence.id}`, maxLength, sequence.read + length));
      }
      if (tooMany.length > 0) continue;
      using state = this.#table.rows.view(sequences[0]?.row ?? 0, sequences.length);
      try {
        state.reserve(length, Math.max(...this.#table.sequences.map(({ finalLength }) => finalLength)));
        return chunk;
      } catch (error) {
        const withoutRoom = KernelError.is(error, "OUT_OF_MEMORY") ? above(state.capacity) : sequences;
        for (const sequence of withoutRoom) fail(sequence, error);
      }
    }
    return undefined;
  }

  /** Sequences that joined with logits. */
  #restored(): LogitsGroup[] {
    const groups: LogitsGroup[] = [];
    for (let row = this.#table.writing; row < this.#table.sequences.length; row++) {
      const sequence = this.#table.sequences[row];
      if (!sequence?.logits) continue;
      if (sequence.isComplete) sequence.status = "ended";
      else groups.push({ sequences: [sequence], logits: sequence.logits });
    }
    return groups;
  }

  /** The last tokens of the sequences that write. */
  #nextTokens(): Chunk | undefined {
    const sequences = this.#table.sequences.slice(0, this.#table.writing);
    return sequences.length > 0 ? { sequences, length: 1 } : undefined;
  }

  /**
   * The next chunk of prompts: as much as possible of the sequence that was added first, and the same number of positions of
   * those in the rows after it, as far as they have as many, so that nothing is padded. Chunks are multiples of 64 or end a prompt,
   * also where a sequence joins those of another, so that a backend which scans by chunks gives it the same bits; but for those
   * that end where a checkpoint is asked for.
   */
  #nextChunk(): Chunk | undefined {
    if (this.#table.writing === this.#table.sequences.length) return undefined;
    const reading = this.#table.sequences.slice(this.#table.writing).filter(({ unread }) => unread > 0);
    const [first] = reading.sort((a, b) => a.id - b.id);
    if (!first) return undefined;
    const length = Math.min(first.readable, this.#chunkLength);
    const sequences = [first];
    for (let row = first.row + 1; (sequences.length + 1) * length <= this.#chunkLength; row++) {
      const next = this.#table.sequences[row];
      if (!next || next.readable < length) break;
      if (next.unread > length && length % Math.min(chunkMultiple, this.#chunkLength) !== 0) break;
      sequences.push(next);
    }
    return { sequences, length };
  }

  /** Reads a chunk of prompts. Returns the logits of the sequences whose prompt is read. */
  #read({ sequences, length }: Chunk, scope: Scope): LogitsGroup[] {
    const { model } = this;
    const data = Int32Array.from(
      sequences.flatMap(({ history, read }) => history.ids.slice(read, read + length)),
    );
    using ids = model.kernel.upload(data, [sequences.length, length], "i32");
    using state = this.#table.rows.view(sequences[0]?.row ?? 0, sequences.length);
    const logits = scope.use(model.forward(ids, { state, logits: "last" }));
    return this.#passed(sequences, length, logits, scope);
  }

  /** Reads the last token of each writing sequence. Returns their logits. */
  #advance(sequences: readonly RunningSequence[], scope: Scope): LogitsGroup[] {
    const { model } = this;
    const data = Int32Array.from(sequences, ({ history, read }) => history.ids[read] ?? 0);
    using ids = model.kernel.upload(data, [sequences.length], "i32");
    const logits = scope.use(model.step(ids, this.#table.rows.first(sequences.length)));
    return this.#passed(sequences, 1, logits, scope);
  }

  /** Notes that sequences have read `length` ids. Returns those whose next token is due. */
  #passed(
    sequences: readonly RunningSequence[],
    length: number,
    logits: Tensor,
    scope: Scope,
  ): LogitsGroup[] {
    const { kernel } = this.model;
    const due: number[] = [];
    for (const [index, sequence] of sequences.entries()) {
      const isPromptEnd = sequence.unread === length && !sequence.continues;
      sequence.read += length;
      sequence.keepCheckpoint(
        isPromptEnd,
        () => this.#table.rows.checkpoint(sequence.row),
        () => row(index),
      );
      if (sequence.unread > 0) continue;
      if (!sequence.isComplete) due.push(index);
      else {
        sequence.logits = row(index);
        sequence.status = "ended";
      }
    }
    if (due.length === sequences.length) return [{ sequences, logits }];
    if (due.length === 0) return [];
    const group = sequences.filter((_, index) => due.includes(index));
    return [{ sequences: group, logits: scope.use(kernel.gatherRows(logits, due)) }];

    function row(index: number): Tensor {
      return kernel.gatherRows(logits, [index]);
    }
  }

  /** Gives each sequence its token. */
  #accept(
    choices: Choices,
    fail: (sequence: RunningSequence, error: unknown) => void,
  ): DecoderStep["tokens"] {
    const tokens: (SequenceToken & { readonly sequence: RunningSequence })[] = [];
    for (const [sequence, choice] of choices) {
      if (sequence.status === "left") continue; // removed while the step was in progress
      try {
        if ("error" in choice) throw choice.error;
        tokens.push({ sequence, ...sequence.accept(choice) });
      } catch (error) {
        fail(sequence, error);
        continue;
      }
      if (sequence.status === "reading") this.#table.promote(sequence);
    }
    return tokens.sort((a, b) => a.sequence.id - b.sequence.id);
  }

  #leaveEnded(): void {
    for (const sequence of this.#table.sequences.filter(({ status }) => status === "ended"))
      this.#table.leave(sequence);
  }

  #checkAlive(): void {
    if (this.#isDisposed) throw new MambaError("DISPOSED", "the decoder is disposed");
  }
}

function tooLong(owner: string, maxLength: number | undefined, length: number): MambaError {
  return new MambaError("LENGTH", `${owner}: at most ${maxLength} positions (maxLength), got ${length}`);
}

/** The next `length` ids of sequences in neighbouring rows. */
interface Chunk {
  readonly sequences: readonly RunningSequence[];
  readonly length: number;
}
