import type { MambaLM } from "../model/mambaLM.ts";
import { FixedSet } from "./fixedSet.ts";
import type { GenerationState } from "./generationState.ts";
import { checkPrefillOptions, type PrefillOptions } from "./options.ts";

/**
 * Reads the pending ids of one or several states in chunks, so that memory does not grow with the prompt. The states then hold
 * the logits of their next token: a generation goes on at once, and so does one from each copy. An aborted prefill can be
 * resumed: the ids of finished chunks are no longer pending.
 *
 * @throws MambaError `INPUT` when a state has no ids, `OPTIONS`, `IN_USE`, `LENGTH`; the signal's reason; KernelError from the device
 */
export async function prefill(
  model: MambaLM,
  states: GenerationState | readonly GenerationState[],
  options: PrefillOptions = {},
): Promise<void> {
  checkPrefillOptions(options);
  const { chunkLength, maxLength, signal, onProgress, checkpoints } = options;
  using set = new FixedSet(model, states, { maxTokens: 0, checkpoints }, { chunkLength, maxLength });
  let { unread } = set;
  while (set.isActive) {
    signal?.throwIfAborted();
    const { failed } = await set.step();
    if (set.unread < unread) onProgress?.(set.total - (unread = set.unread), set.total);
    for (const { error } of failed) throw error;
  }
}
