import type { Tensor } from "@mamba/kernel";
import { breathe } from "./breathe.ts";
import { MambaError } from "./errors.ts";
import type { GenerationState } from "./generation-state.ts";
import type { MambaLM } from "./model.ts";

export interface PrefillOptions {
  /** Positions per forward call: memory grows with it, up to a point speed too. Default 512. */
  readonly chunkLength?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called after each chunk with the positions done and in total. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * Feeds the pending ids of a state through the model in chunks, so that memory does not grow with the prompt, and
 * returns the logits [B, V] after each row's last one. Shorter rows are padded on the left, which leaves their part of
 * the cache untouched. An aborted prefill can be resumed: what a chunk consumed is no longer pending.
 *
 * @throws MambaError `INPUT` when a row has nothing pending; the signal's reason.
 */
export async function prefill(
  model: MambaLM,
  state: GenerationState,
  { chunkLength = 512, signal, onProgress }: PrefillOptions = {},
): Promise<Tensor> {
  if (!Number.isInteger(chunkLength) || chunkLength < 1) {
    throw new MambaError("OPTIONS", `chunkLength must be a whole number >= 1, got ${chunkLength}`);
  }
  const { pending, cache } = state;
  const empty = pending.findIndex((ids) => ids.length === 0);
  if (empty !== -1) throw new MambaError("INPUT", `prompt ${empty} is empty: at least one token is needed`);
  const total = pending.reduce((most, ids) => Math.max(most, ids.length), 0);
  for (let left = total; ; left -= chunkLength) {
    signal?.throwIfAborted();
    const length = Math.min(chunkLength, left);
    const logits = forwardPending(model, state, left, length);
    await model.kernel.sync();
    for (const ids of pending) ids.splice(0, Math.max(ids.length - (left - length), 0));
    onProgress?.(total - left + length, total);
    if (left <= chunkLength) return logits;
    logits.dispose();
    await breathe();
  }

  /** Positions [total - left, total - left + length) of the left-padded batch. */
  function forwardPending(model: MambaLM, state: GenerationState, left: number, length: number): Tensor {
    const batch = state.pending.length;
    const ids = new Int32Array(batch * length);
    const ranges = state.pending.map((row, b) => {
      const start = Math.min(Math.max(left - row.length, 0), length); // positions of this chunk that are padding
      ids.set(row.slice(0, length - start), b * length + start);
      return [start, length] as const;
    });
    const padded = ranges.some(([start]) => start > 0);
    using tensor = model.kernel.upload(ids, [batch, length], "i32");
    return model.forward(tensor, { cache, logits: "last", ranges: padded ? ranges : undefined });
  }
}
