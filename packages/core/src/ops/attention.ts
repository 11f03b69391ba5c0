import type { AttentionArgs, Tensor } from "@mamba/kernel";
import { MambaError } from "../errors.ts";
import type { OpRun } from "./run/opRun.ts";

/** The keys and values of the positions before an input. */
export interface AttentionCache {
  /** [B, T, Hkv·Dk]. The keys of the input are written behind those of row b's first `lengths[b]` positions. */
  readonly keys: Tensor;
  /** [B, T, Hkv·Dv], as `keys`. */
  readonly values: Tensor;
  /** i32 [B], the number of positions before the input, for each row. */
  readonly lengths: Tensor;
}

export type AttentionOptions = AttentionArgs & {
  /** Written in place. Without one, the input is the whole sequence. */
  readonly cache?: AttentionCache | undefined;
};

/**
 * Causal attention with grouped queries (Vaswani et al. 2017, Ainslie et al. 2023) over q [B, L, Hq·Dk] -> [B, L, Hq·Dv]; see
 * `AttentionArgs`. Gradients need an input without a cache.
 *
 * @throws MambaError `UNSUPPORTED` for a cache with `sequenceIds`, or on a tape that tracks q, k or v
 */
export function attention(run: OpRun, options: AttentionOptions): Tensor {
  const { cache, ...args } = options;
  const { q, k, v, heads, kvHeads, scale } = args;
  const inputs = [q, k, v];
  const recorder = run.recorder(inputs);
  if (cache) {
    const refuse = (what: string, remedy: string) =>
      new MambaError("UNSUPPORTED", `attention: ${what} cannot go on from a state; ${remedy}`);
    if (recorder) throw refuse("training", "give the tape whole sequences, without a state");
    if (args.sequenceIds) throw refuse("packed or padded rows", "run each sequence in a row of its own");
    return run.hold(run.kernel.cachedAttention({ q, k, v, ...cache, heads, kvHeads, scale }));
  }
  if (recorder === undefined) return run.hold(run.kernel.attention(args));
  const { y, residual } = recorder.attentionForward(args);
  run.hold(residual);
  return run.result(y, inputs, (dy, sink) => {
    const gradients = sink.kernel.attentionBackward(dy, args, y, residual);
    residual.dispose();
    sink.addAll(args, gradients);
  });
}
