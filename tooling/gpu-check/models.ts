import { KernelError, Scope, type TrainingKernel } from "@mamba/kernel";
import type { CaseSpec } from "../../apps/cli/src/bench/spec.ts";
import { formatRate } from "../../apps/cli/src/format.ts";
import type { Ceilings } from "./ceilings.ts";
import { percent, type Emit } from "./rows.ts";
import type { ModelTasks } from "./sizes.ts";
import { type Effort, time } from "./timing.ts";

/**
 * A whole model, on a kernel of its own.
 *
 * - decode, one token of one row: every weight is read once, so the limit is weight bytes over copy bandwidth. The table of
 *   the embedding counts once: it is also the head, which reads all of it.
 * - prefill, a prompt of L tokens: the limit is its operations (`blockFlops`, products and the rest, L times; the head
 *   once) over the rate of a large f32 product. Weights in f16 are multiplied in f32 too.
 */
export async function measureModel(
  kernel: TrainingKernel,
  { decode, prefill }: ModelTasks,
  ceilings: Ceilings,
  effort: Effort,
  emit: Emit,
): Promise<void> {
  using scope = new Scope();
  const measure = async (spec: CaseSpec, limit: number, what: string) => {
    const name = `${spec.name} ${spec.dtype}`;
    try {
      const seconds = await time(kernel, spec.prepare(kernel, scope), effort);
      const tokensPerSecond = (spec.tokens ?? NaN) / seconds;
      emit({
        ...{ name, state: "ok", result: `${formatRate(tokensPerSecond)} tokens/s` },
        beside: `${percent(limit / seconds)} of ${what}`,
        figures: { tokensPerSecond, seconds, limitSeconds: limit },
      });
    } catch (error) {
      if (!KernelError.is(error, "OUT_OF_MEMORY")) throw error;
      emit({ name, state: "not run", result: `out of memory: ${error.message}` });
    }
  };
  // The bytes of a prefill are those of the weights alone; a decoded token's are those and its states.
  await measure(decode, prefill.bytes / ceilings.copy, "weight bytes over copy bandwidth");
  await measure(prefill, prefill.flops / ceilings.matmul, "matmul f32");
}
