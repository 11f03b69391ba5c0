import type { Tensor } from "@mamba/kernel";
import { MambaError } from "../errors.ts";
import { Sequences } from "../layers/sequences.ts";
import type { MambaLM } from "../model/mambaLM.ts";
import type { GenerationState } from "./generationState.ts";
import { yieldToEventLoop } from "./yieldToEventLoop.ts";

export interface PrefillOptions {
  /** Positions per forward call: memory grows with it, and up to a point speed. Default 512. */
  readonly chunkLength?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called after each chunk with the positions done and in total. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * Runs the model over the pending ids of a state in chunks, so that memory does not grow with the prompt, and returns the
 * logits [B, V] after each row's last one. Shorter rows are padded on the left, and padding leaves their state untouched. An
 * aborted prefill can be resumed: the ids of finished chunks are no longer pending.
 *
 * @throws MambaError `INPUT` when a row has nothing pending, `OPTIONS`; the signal's reason.
 */
export async function prefill(
  model: MambaLM,
  state: GenerationState,
  { chunkLength = 512, signal, onProgress }: PrefillOptions = {},
): Promise<Tensor> {
  if (!Number.isInteger(chunkLength) || chunkLength < 1) {
    throw new MambaError("OPTIONS", `chunkLength must be a whole number >= 1, got ${chunkLength}`);
  }
  const { pending } = state;
  const empty = pending.findIndex((ids) => ids.length === 0);
  if (empty !== -1) throw new MambaError("INPUT", `prompt ${empty} is empty: at least one token is needed`);
  const total = pending.reduce((most, ids) => Math.max(most, ids.length), 0);
  for (let left = total; ; left -= chunkLength) {
    signal?.throwIfAborted();
    const length = Math.min(chunkLength, left);
    const logits = forwardPending(model, state, left, length);
    await model.kernel.sync();
    state.take(pending.map((ids) => Math.max(ids.length - (left - length), 0)));
    onProgress?.(total - left + length, total);
    if (left <= chunkLength) return logits;
    logits.dispose();
    await yieldToEventLoop();
  }
}

/** Positions [total - left, total - left + length) of the left-padded batch. */
function forwardPending(
  model: MambaLM,
  { pending, stack }: GenerationState,
  left: number,
  length: number,
): Tensor {
  const batch = pending.length;
  const ids = new Int32Array(batch * length);
  const ranges = pending.map((row, b) => {
    const start = Math.min(Math.max(left - row.length, 0), length); // positions of this chunk that are padding
    ids.set(row.slice(0, length - start), b * length + start);
    return [start, length] as const;
  });
  const isPadded = ranges.some(([start]) => start > 0);
  using tensor = model.kernel.upload(ids, [batch, length], "i32");
  const sequences = isPadded ? Sequences.fromRanges(ranges, length) : undefined;
  return model.forward(tensor, { state: stack, logits: "last", sequences });
}
