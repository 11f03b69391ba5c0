import { Scope, type Tensor } from "@mamba/kernel";
import { checkOptions, flag, type Rules, whole } from "../checkOptions.ts";
import { MambaError } from "../errors.ts";
import type { MambaLM } from "../model/mambaLM.ts";
import { type Choices, chooseTokens, type LogitsGroup } from "./chooseTokens.ts";
import { DecoderRows } from "./decoderRows.ts";
import { contentsOf, createState, GenerationState } from "./generationState.ts";
import { checkSequenceOptions, type SequenceOptions } from "./options.ts";
import { type DecoderSequence, RunningSequence, type SequenceToken } from "./runningSequence.ts";
import { cloneContents, disposeContents, type SequenceContents } from "./sequenceContents.ts";
import { yieldToEventLoop } from "./yieldToEventLoop.ts";

export interface DecoderConfig {
  /** The most sequences at a time. Their states are allocated at once. */
  readonly capacity: number;
  /** Positions of prompts per step, at most: memory grows with it, and the time of a step. Default 512. */
  readonly chunkLength?: number | undefined;
  /**
   * False: a step reads a chunk of a prompt and gives a token of each sequence whose prompt is read, so a long prompt does not
   * stop the others. True: no sequence gets a second token while a prompt is not read, which takes fewer steps. Default false.
   */
  readonly promptsFirst?: boolean | undefined;
}

const configRules: Rules<DecoderConfig> = { capacity: whole(1), chunkLength: whole(1), promptsFirst: flag };

/** The tokens of one step, and the sequences that ended with an error. */
export interface DecoderStep {
  readonly tokens: readonly (SequenceToken & { readonly sequence: DecoderSequence })[];
  readonly failed: readonly SequenceFailure[];
}

export interface SequenceFailure {
  readonly sequence: DecoderSequence;
  /** MambaError `NON_FINITE`, the reason of its signal, an error of a hook, or one of the device. */
  readonly error: unknown;
}

/**
 * Generates many sequences together, each with its own options, seed and end. They join and leave between steps, and a
 * sequence gives the same tokens whatever the others are.
 *
 * `add` takes a prompt or a state, `step` gives the next token of each sequence, `remove` ends one early. A sequence that has
 * ended leaves by itself with the next `step` or `add`; until then `snapshot` copies its state. `add`, `remove` and `snapshot`
 * may be called at any time, also while a step is in progress, except for `snapshot`, which then throws `IN_USE`.
 */
export class Decoder implements Disposable {
  readonly model: MambaLM;
  readonly capacity: number;
  readonly #chunkLength: number;
  readonly #promptsFirst: boolean;
  readonly #rows: DecoderRows;
  /** By row. The first `#writing` of them have one id to read, a token of theirs; the others have a prompt to read. */
  readonly #sequences: RunningSequence[] = [];
  #writing = 0;
  #added = 0;
  #isStepping = false;
  #isDisposed = false;

  /** @throws MambaError `OPTIONS`; KernelError `OUT_OF_MEMORY` */
  constructor(model: MambaLM, config: DecoderConfig) {
    checkOptions("Decoder", config, configRules);
    const { capacity, chunkLength = 512, promptsFirst = false } = config;
    if (typeof capacity !== "number") throw new MambaError("OPTIONS", "Decoder: option capacity is missing");
    this.model = model;
    this.capacity = capacity;
    this.#chunkLength = chunkLength;
    this.#promptsFirst = promptsFirst;
    this.#rows = new DecoderRows(model, capacity);
  }

  /** The sequences that have not left, in no particular order. */
  get sequences(): readonly DecoderSequence[] {
    return [...this.#sequences];
  }

  /** Sequences that can be added now. */
  get free(): number {
    return this.capacity - this.#sequences.filter(({ status }) => status !== "ended").length;
  }

  /**
   * Adds a sequence: token ids, text (with `options.tokenizer`), or a state, which is copied. With one seed a state and its copies
   * continue alike: `options.seed` makes them differ.
   *
   * @throws MambaError `CAPACITY` when `free` is 0; `INPUT` (the prompt), `OPTIONS`; `CACHE` for a state of another model
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
    const contents = this.#contents(input, options);
    let sequence: RunningSequence;
    try {
      sequence = new RunningSequence(this.#added, contents, options, model.config.vocabSize);
      this.#rows.write(this.#sequences.length, contents.stack);
    } catch (error) {
      disposeContents({ ...contents, stack: undefined });
      throw error;
    }
    this.#added++;
    sequence.row = this.#sequences.push(sequence) - 1;
    if (sequence.continues) this.#promote(sequence);
    return sequence;
  }

  /** Ends a sequence, whose row is free at once. Nothing happens when it has left already. */
  remove(sequence: DecoderSequence): void {
    const found = this.#sequences.find((other) => other === sequence);
    if (found) this.#leave(found);
  }

  /**
   * A copy of a sequence's state, to save it, to go on from it later, or to add it again: a fork.
   *
   * @throws MambaError `INPUT` when the sequence has left; `IN_USE` while a step is in progress
   */
  snapshot(sequence: DecoderSequence): GenerationState {
    this.#checkAlive();
    if (this.#isStepping) throw new MambaError("IN_USE", "Decoder.snapshot: wait for the step in progress");
    const found = this.#sequences.find((other) => other === sequence);
    if (!found)
      throw new MambaError("INPUT", `Decoder.snapshot: sequence ${sequence.id} has left the decoder`);
    using row = this.#rows.view(found.row, 1);
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
      if (this.#isDisposed) this.#free();
    }
  }

  /** Frees all memory, that of a step in progress at its end. */
  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    if (!this.#isStepping) this.#free();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  async #step(): Promise<DecoderStep> {
    if (this.#isDisposed) return { tokens: [], failed: [] };
    const failed: SequenceFailure[] = [];
    const fail = (sequence: RunningSequence, error: unknown): void => {
      if (sequence.status === "left") return;
      this.#leave(sequence);
      failed.push({ sequence, error });
    };
    this.#leaveEnded();
    for (const sequence of [...this.#sequences]) {
      const { signal } = sequence.options;
      if (signal?.aborted) fail(sequence, signal.reason);
    }
    using scope = new Scope();
    const groups = this.#restored();
    const passed = new Set(groups.flatMap(({ sequences }) => sequences));
    const pass = (sequences: readonly RunningSequence[], body: () => LogitsGroup[]): void => {
      try {
        groups.push(...body());
        for (const sequence of sequences) passed.add(sequence);
      } catch (error) {
        for (const sequence of sequences) fail(sequence, error);
      }
    };
    const chunk = this.#nextChunk();
    if (chunk) pass(chunk.sequences, () => this.#read(chunk, scope));
    if (!this.#promptsFirst || !this.#nextChunk()) {
      const writing = this.#sequences.slice(0, this.#writing);
      if (writing.length > 0) pass(writing, () => this.#advance(writing, scope));
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

  /** Sequences that joined with logits. */
  #restored(): LogitsGroup[] {
    return this.#sequences.flatMap((sequence) => {
      const { logits } = sequence;
      if (!logits) return [];
      if (!sequence.isComplete) return [{ sequences: [sequence], logits }];
      sequence.status = "ended";
      return [];
    });
  }

  /**
   * The next chunk of prompts: as much as possible of the sequence that was added first, and the same number of positions of
   * those in the rows after it, as far as they have as many, so that nothing is padded.
   */
  #nextChunk(): PromptChunk | undefined {
    const reading = this.#sequences.slice(this.#writing).filter(({ unread }) => unread > 0);
    const [first] = reading.sort((a, b) => a.id - b.id);
    if (!first) return undefined;
    const length = Math.min(first.unread, this.#chunkLength);
    const sequences = [first];
    for (let row = first.row + 1; (sequences.length + 1) * length <= this.#chunkLength; row++) {
      const next = this.#sequences[row];
      if (!next || next.unread < length) break;
      sequences.push(next);
    }
    return { sequences, length };
  }

  /** Reads a chunk of prompts. Returns the logits of the sequences whose prompt is read. */
  #read({ sequences, length }: PromptChunk, scope: Scope): LogitsGroup[] {
    const { model } = this;
    const data = Int32Array.from(
      sequences.flatMap(({ history, read }) => history.ids.slice(read, read + length)),
    );
    using ids = model.kernel.upload(data, [sequences.length, length], "i32");
    using state = this.#rows.view(sequences[0]?.row ?? 0, sequences.length);
    const logits = scope.use(model.forward(ids, { state, logits: "last" }));
    return this.#passed(sequences, length, logits, scope);
  }

  /** Reads the last token of each writing sequence. Returns their logits. */
  #advance(sequences: readonly RunningSequence[], scope: Scope): LogitsGroup[] {
    const { model } = this;
    const data = Int32Array.from(sequences, ({ history, read }) => history.ids[read] ?? 0);
    using ids = model.kernel.upload(data, [sequences.length], "i32");
    const logits = scope.use(model.step(ids, this.#rows.first(sequences.length)));
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
        () => this.#rows.take(sequence.row),
        isPromptEnd ? () => row(index) : undefined,
      );
      if (sequence.unread > 0) continue;
      if (!sequence.isComplete) due.push(index);
      else {
        sequence.logits = row(index);
        sequence.status = "ended";
      }
    }
    const isAll = due.length === sequences.length;
    const group = sequences.filter((_, index) => due.includes(index));
    if (group.length === 0) return [];
    return [{ sequences: group, logits: isAll ? logits : scope.use(kernel.gatherRows(logits, due)) }];

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
      if (sequence.status === "reading") this.#promote(sequence);
    }
    return tokens.sort((a, b) => a.sequence.id - b.sequence.id);
  }

  /** Moves a sequence to the rows of those that write. */
  #promote(sequence: RunningSequence): void {
    const other = this.#sequences[this.#writing];
    sequence.status = "writing";
    if (other && other !== sequence) {
      this.#rows.swap(sequence.row, other.row);
      this.#place(other, sequence.row);
      this.#place(sequence, this.#writing);
    }
    this.#writing++;
  }

  /** Takes a sequence out. The last row of those that write, and then the last row of all, fill the gap. */
  #leave(sequence: RunningSequence): void {
    let gap = sequence.row;
    if (gap < this.#writing) gap = this.#fill(gap, --this.#writing);
    this.#fill(gap, this.#sequences.length - 1);
    this.#sequences.pop();
    if (this.#sequences.length === 0) this.#rows.release();
    sequence.dispose();
  }

  /** Moves the sequence of row `from` to row `gap`. Returns the new gap. */
  #fill(gap: number, from: number): number {
    const moved = this.#sequences[from];
    if (moved && from !== gap) {
      this.#rows.copy(from, gap);
      this.#place(moved, gap);
    }
    return from;
  }

  #place(sequence: RunningSequence, row: number): void {
    this.#sequences[row] = sequence;
    sequence.row = row;
  }

  #leaveEnded(): void {
    for (const sequence of this.#sequences.filter(({ status }) => status === "ended")) this.#leave(sequence);
  }

  /** The contents of a new sequence. Their stack is borrowed. */
  #contents(input: string | readonly number[] | GenerationState, options: SequenceOptions): SequenceContents {
    const { model } = this;
    if (input instanceof GenerationState) {
      checkState(model, input);
      const { stack, ...given } = contentsOf(input);
      checkNotEmpty(given.history.length);
      return { ...cloneContents(model.kernel, { ...given, stack: undefined }), stack };
    }
    const ids = typeof input === "string" ? encode(input, options) : input;
    const contents = contentsOf(GenerationState.start(model, ids, { seed: options.seed }));
    checkNotEmpty(contents.history.length);
    return contents;
  }

  #checkAlive(): void {
    if (this.#isDisposed) throw new MambaError("DISPOSED", "the decoder is disposed");
  }

  #free(): void {
    for (const sequence of this.#sequences) sequence.dispose();
    this.#sequences.length = 0;
    this.#writing = 0;
    this.#rows[Symbol.dispose]();
  }
}

/** The next `length` ids of sequences in neighbouring rows. */
interface PromptChunk {
  readonly sequences: readonly RunningSequence[];
  readonly length: number;
}

function encode(prompt: string, { tokenizer }: SequenceOptions): readonly number[] {
  if (!tokenizer) throw new MambaError("INPUT", "a prompt in text needs the option tokenizer");
  return tokenizer.encode(prompt);
}

function checkNotEmpty(length: number): void {
  if (length === 0) throw new MambaError("INPUT", "the prompt is empty: at least one token is needed");
}

function checkState(model: MambaLM, state: GenerationState): void {
  if (state.model !== model) throw new MambaError("CACHE", "the generation state belongs to another model");
  const { read, adapter } = contentsOf(state);
  if (read === 0 || adapter === model.adapter) return;
  const remedy = "attach that adapter again, or start from the ids";
  throw new MambaError("CACHE", `the generation state was computed with another adapter: ${remedy}`);
}
