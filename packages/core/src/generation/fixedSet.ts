import { Scope } from "@mamba/kernel";
import { describe } from "../checkOptions.ts";
import { MambaError } from "../errors.ts";
import type { MambaLM } from "../model/mambaLM.ts";
import { Decoder, type DecoderStep } from "./decoder.ts";
import { borrow, contentsOf, GenerationState, replaceContents } from "./generationState.ts";
import type { PrefillOptions, SequenceOptions } from "./options.ts";
import type { DecoderSequence } from "./runningSequence.ts";
import { freshSeed } from "./seed.ts";

/** A prompt as text or as token ids. */
export type Prompt = string | readonly number[];

/** One or several beginnings of a generation. */
export type GenerationInput = Prompt | readonly Prompt[] | GenerationState | readonly GenerationState[];

/**
 * A decoder whose sequences all begin together. States among the inputs are in use meanwhile; each is written back when its
 * sequence ends, or when the set is disposed.
 */
export class FixedSet implements Disposable {
  /** Positions of prompts to read. */
  readonly total: number;
  readonly #scope = new Scope();
  readonly #decoder: Decoder;
  readonly #sequences: readonly DecoderSequence[];
  /** States that are not written back yet, by sequence. */
  readonly #states = new Map<DecoderSequence, GenerationState>();
  readonly #inputs: readonly (Prompt | GenerationState)[];

  /** @throws MambaError `INPUT`, `OPTIONS`, `IN_USE`, `CACHE`, `LENGTH` */
  constructor(
    model: MambaLM,
    input: GenerationInput,
    options: SequenceOptions,
    { chunkLength, maxLength }: Pick<PrefillOptions, "chunkLength" | "maxLength">,
  ) {
    const inputs = inputsOf(input);
    this.#inputs = inputs;
    const base = options.seed ?? freshSeed();
    try {
      const config = { capacity: inputs.length, chunkLength, maxLength, promptsFirst: true };
      this.#decoder = this.#scope.use(new Decoder(model, config));
      this.#sequences = inputs.map((item, row) => {
        const isState = item instanceof GenerationState;
        const seed = isState && options.seed === undefined ? undefined : base + row;
        const sequence = this.#decoder.add(item, { ...options, seed });
        if (isState) {
          this.#scope.use(borrow(item));
          this.#states.set(sequence, item);
        }
        return sequence;
      });
    } catch (error) {
      this.#scope.dispose();
      throw error;
    }
    this.total = this.unread;
  }

  /** True while a sequence has a prompt to read or a token to give. */
  get isActive(): boolean {
    return this.#sequences.some(({ status }) => status === "reading" || status === "writing");
  }

  /** Positions of prompts that are not read yet. */
  get unread(): number {
    return this.#sequences.reduce((sum, { status, unread }) => sum + (status === "reading" ? unread : 0), 0);
  }

  /** True when the row goes on from a state. */
  isState(row: number): boolean {
    return this.#inputs[row] instanceof GenerationState;
  }

  async step(): Promise<DecoderStep> {
    const step = await this.#decoder.step();
    this.#writeBack(({ status }) => status === "ended");
    return step;
  }

  dispose(): void {
    try {
      this.#writeBack(({ status }) => status !== "left");
    } finally {
      this.#scope.dispose();
    }
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #writeBack(isDue: (sequence: DecoderSequence) => boolean): void {
    for (const [sequence, state] of this.#states) {
      if (!isDue(sequence)) continue;
      replaceContents(state, contentsOf(this.#decoder.snapshot(sequence)));
      this.#states.delete(sequence);
    }
  }
}

function inputsOf(input: GenerationInput): readonly (Prompt | GenerationState)[] {
  if (typeof input === "string" || input instanceof GenerationState) return [input];
  if (!Array.isArray(input)) {
    const expected = "token ids, text, a state, or a list of them";
    throw new MambaError("INPUT", `the input must be ${expected}, got ${describe(input)}`);
  }
  const items = input as readonly unknown[];
  if (items.length === 0) throw new MambaError("INPUT", "there must be at least one prompt, got none");
  const isList = items.every(
    (item) => typeof item === "string" || Array.isArray(item) || item instanceof GenerationState,
  );
  return isList ? (input as readonly (Prompt | GenerationState)[]) : [input as readonly number[]];
}
