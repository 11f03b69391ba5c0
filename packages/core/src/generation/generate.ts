import { type Kernel, Scope, type Tensor } from "@mamba/kernel";
import { MambaError } from "../errors.ts";
import type { MambaLM } from "../model/mambaLM.ts";
import { GenerationState } from "./generationState.ts";
import { checkGenerateOptions, type GenerateOptions } from "./options.ts";
import { prefill } from "./prefill.ts";
import { TextStream } from "./textStream.ts";
import { yieldToEventLoop } from "./yieldToEventLoop.ts";

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
 * Generates tokens one step at a time, for one prompt or a batch of prompts of different lengths. A row that has ended gives
 * no more tokens while the others go on.
 *
 * `input` is token ids, text (with `options.tokenizer`), a list of either, or a `GenerationState` to go on from; a given
 * state is advanced in place and stays the caller's, to be saved or continued. It is consistent between any two tokens, also
 * after an abort.
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
  const texts = state.pending.map((ids) => {
    const stream = tokenizer && new TextStream(tokenizer, { stop });
    stream?.read(ids);
    return stream;
  });
  const active = state.pending.map(() => true);

  let logits = await prefill(model, state, options);
  for (let count = 1; ; count++) {
    const ids = await choose(model, state, logits, options);
    state.push(ids.map((id, row) => (active[row] ? id : undefined)));
    const tokens: GeneratedToken[] = [];
    ids.forEach((id, row) => {
      if (!active[row]) return;
      const stream = texts[row];
      const { text = "", stopped = false } = stopIds.has(id)
        ? { stopped: true, text: stream?.rest() }
        : (stream?.push(id) ?? {});
      const finish = stopped ? "stop" : count === maxTokens ? "length" : undefined;
      const rest = finish === "length" ? (stream?.rest() ?? "") : "";
      if (finish) active[row] = false;
      tokens.push({ row, id, text: text + rest, ...(finish && { finish }) });
    });
    yield* tokens;
    if (!active.includes(true)) return;
    await yieldToEventLoop();
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
  { kernel }: MambaLM,
  state: GenerationState,
  logits: Tensor,
  options: GenerateOptions,
): Promise<number[]> {
  const { temperature = 1, topK, topP, minP, repetitionPenalty = 1, seed = 0 } = options;
  using scope = new Scope();
  scope.use(logits);
  const penalised =
    repetitionPenalty === 1
      ? logits
      : scope.use(kernel.repetitionPenalty(logits, scope.use(uploadSeen(kernel, state)), repetitionPenalty));
  const ids =
    temperature === 0
      ? kernel.argmax(penalised)
      : kernel.sample(penalised, { temperature, topK, topP, minP, uniforms: state.draw(seed) });
  const [data] = await kernel.read(scope.use(ids));
  return Array.from(data as Int32Array);
}

/** i32 [B, K]: the ids of each row so far, padded with -1 to a multiple of 64, so that memory is reused. */
function uploadSeen(kernel: Kernel, { seen }: GenerationState): Tensor {
  const width = Math.ceil(Math.max(1, ...seen.map((ids) => ids.size)) / 64) * 64;
  const data = new Int32Array(seen.length * width).fill(-1);
  seen.forEach((ids, row) => data.set([...ids], row * width));
  return kernel.upload(data, [seen.length, width], "i32");
}

/** Runs the model over each active row's last token: logits [B, V]. Rows that have ended keep their state. */
function advance(model: MambaLM, state: GenerationState, active: readonly boolean[]): Tensor {
  const { stack, pending } = state;
  const data = Int32Array.from(pending, ([id = 0], row) => (active[row] ? id : 0));
  using ids = model.kernel.upload(data, [pending.length], "i32");
  let logits: Tensor;
  if (active.includes(false)) {
    using column = model.kernel.reshape(ids, [pending.length, 1]);
    const ranges = active.map((isActive) => [0, isActive ? 1 : 0] as const);
    logits = model.forward(column, { state: stack, ranges, logits: "last" });
  } else logits = model.step(ids, stack);
  state.take(active.map((isActive) => (isActive ? 1 : 0)));
  return logits;
}
