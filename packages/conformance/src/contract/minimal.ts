import type { Kernel, Scope, Tensor } from "@mamba/kernel";
import type { OpSuite } from "../opSuite.ts";

/** The tensors of a minimal call, all zeros and owned by `scope`; `replacements` are used as they are. */
export function minimalTensors(
  { minimal }: OpSuite,
  kernel: Kernel,
  scope: Scope,
  replacements: Readonly<Record<string, Tensor>> = {},
): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(minimal.args).map(([name, { shape, dtype }]) => [
      name,
      replacements[name] ?? scope.use(kernel.zeros(shape, dtype)),
    ]),
  );
}

/** The arguments of a minimal call that come from another op, owned by `scope`. */
export function minimalPrepared({ minimal }: OpSuite, kernel: Kernel, scope: Scope): Disposable | undefined {
  const prepared = minimal.prepare?.(kernel);
  return prepared && scope.use(prepared);
}
