import { Scope, type Tensor } from "@mamba/kernel";
import { breathe } from "./breathe.ts";
import { MambaError } from "./errors.ts";
import { GenerationState } from "./generation-state.ts";
import { checkGenerateOptions, type GenerateOptions } from "./generate-options.ts";
import type { MambaLM } from "./model.ts";
import { prefill } from "./prefill.ts";
import { uniformAt } from "./random.ts";
import { TextStream } from "./text-stream.ts";

/** One token of one row. */
export interface GeneratedToken {
  /** Index of the prompt. */
  readonly row: number;
  readonly id: number;
  /** Text that became certain with this token; needs a tokenizer, "" otherwise. A stop string is never part of it. */
  readonly text: string;
  /** Why the row ends with this token: a stop id or string, or `maxTokens`. */
  readonly finish?: "stop" | "length";
}

/**
 * Generates tokens one step at a time, for one prompt or a batch of prompts of different lengths. Rows that end drop
 * out, the others go on.
 *
 * `input` is token ids, text (with `options.tokenizer`), a list of either, or a `GenerationState` to go on from; a
 * state given is advanced in place and stays the caller's, to be saved or continued. It is consistent between any two
 * tokens, also after an abort.
 *
 * @throws MambaError `INPUT` (prompts), `OPTIONS`; the signal's reason when aborted; KernelError from the device.
 */
export async function* generate(
  model: MambaLM,
  input: string | readonly number[] | readonly (string | readonly number[])[] | GenerationState,
  options: GenerateOptions = {},
): AsyncGenerator<GeneratedToken, void, undefined> {
  checkGenerateOptions(options);
  using scope = new Scope();
  const state = input instanceof GenerationState ? input : scope.use(start(model, input, options));
  const { maxTokens = 128, tokenizer, stop = [], signal } = options;
  const stopIds = new Set([...(options.stopIds ?? tokenizer?.stopIds ?? [])]);
  const texts = state.pending.map((ids) => tokenizer && new TextStream(tokenizer, stop, ids));
  const active = state.pending.map(() => true);

  let logits = await prefill(model, state, options);
  for (let count = 1; ; count++) {
    const ids = await choose(model, state, logits, options);
    state.drawn++;
    const tokens: GeneratedToken[] = [];
    ids.forEach((id, row) => {
      if (!active[row]) return;
      state.pending[row] = [id];
      state.seen[row]?.add(id);
      const stream = texts[row];
      const { text = "", stopped = false } = stopIds.has(id)
        ? { stopped: true, text: stream?.flush() }
        : (stream?.push(id) ?? {});
      const finish = stopped ? "stop" : count === maxTokens ? "length" : undefined;
      const rest = finish === "length" ? (stream?.flush() ?? "") : "";
      if (finish) active[row] = false;
      tokens.push({ row, id, text: text + rest, ...(finish && { finish }) });
    });
    yield* tokens;
    if (!active.includes(true)) return;
    await breathe();
    signal?.throwIfAborted();
    logits = advance(model, state, active);
  }
}

function start(
  model: MambaLM,
  input: string | readonly number[] | readonly (string | readonly number[])[],
  { tokenizer }: GenerateOptions,
): GenerationState {
  const encode = (prompt: string | readonly number[]): readonly number[] => {
    if (typeof prompt !== "string") return prompt;
    if (!tokenizer) throw new MambaError("INPUT", "a prompt in text needs options.tokenizer");
    return tokenizer.encode(prompt);
  };
  const isOne = typeof input === "string" || typeof input[0] === "number";
  const prompts = (isOne ? [input] : input) as readonly (string | readonly number[])[];
  return GenerationState.start(model, prompts.map(encode));
}

/** Picks a token per row from logits [B, V], which it disposes. */
async function choose(
  model: MambaLM,
  state: GenerationState,
  logits: Tensor,
  options: GenerateOptions,
): Promise<number[]> {
  const { temperature = 1, topK, topP, minP, repetitionPenalty = 1, seed = 0 } = options;
  const { kernel } = model;
  using scope = new Scope();
  scope.use(logits);
  const penalised =
    repetitionPenalty === 1
      ? logits
      : scope.use(kernel.repetitionPenalty(logits, scope.use(uploadSeen(model, state)), repetitionPenalty));
  const uniforms = state.pending.map((_, row) => uniformAt(seed, row, state.drawn));
  const ids =
    temperature === 0
      ? kernel.argmax(penalised)
      : kernel.sample(penalised, { temperature, topK, topP, minP, uniforms });
  const [data] = await kernel.read(scope.use(ids));
  return Array.from(data as Int32Array);
}

/** i32 [B, K]: the ids of each row so far, padded with -1 to a multiple of 64, so that memory is reused. */
function uploadSeen({ kernel }: MambaLM, { seen }: GenerationState): Tensor {
  const width = Math.ceil(Math.max(1, ...seen.map((ids) => ids.size)) / 64) * 64;
  const data = new Int32Array(seen.length * width).fill(-1);
  seen.forEach((ids, row) => data.set([...ids], row * width));
  return kernel.upload(data, [seen.length, width], "i32");
}

/** Feeds each active row's last token: logits [B, V]. Rows that ended keep their cache as it is. */
function advance(model: MambaLM, state: GenerationState, active: readonly boolean[]): Tensor {
  const { cache, pending } = state;
  const batch = pending.length;
  const data = Int32Array.from(pending, (ids, row) => (active[row] ? (ids[0] as number) : 0));
  const consume = () =>
    active.forEach((isActive, row) => {
      if (isActive) pending[row] = [];
    });
  if (!active.includes(false)) {
    using ids = model.kernel.upload(data, [batch], "i32");
    const logits = model.step(ids, cache);
    consume();
    return logits;
  }
  using ids = model.kernel.upload(data, [batch, 1], "i32");
  const ranges = active.map((isActive) => [0, isActive ? 1 : 0] as const);
  const logits = model.forward(ids, { cache, ranges, logits: "last" });
  consume();
  return logits;
}
