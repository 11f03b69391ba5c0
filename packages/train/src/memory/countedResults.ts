import type { AllOps, Tensor } from "@mamba/kernel";
import type { DeviceTensor } from "@mamba/kernel/author";
import type { CountingTensors } from "./countingTensors.ts";

/** The names of the ops with one result in the shape of their first argument. */
type LikeFirst = {
  [K in keyof AllOps]: AllOps[K] extends (x: Tensor, ...rest: never[]) => Tensor ? K : never;
}[keyof AllOps];

/** An op whose result has the shape of its first argument. */
export const likeFirst =
  <K extends LikeFirst>(op: K) =>
  (tensors: CountingTensors, _sizes: unknown, x: DeviceTensor): DeviceTensor =>
    tensors.result(op, x.shape);

/** A gradient for each field of `args` in `fields` that is given. */
export function gradientsOf<A extends object, K extends keyof A & string>(
  tensors: CountingTensors,
  op: string,
  args: A,
  fields: readonly K[],
): { [F in K]: A[F] } {
  const given = fields.flatMap((field) => {
    const x = args[field] as Tensor | undefined;
    return x ? [[field, tensors.result(op, x.shape)] as const] : [];
  });
  return Object.fromEntries(given) as { [F in K]: A[F] };
}
