import type { AllOps, Kernel, KernelOp } from "@mamba/kernel";
import { ReferenceKernel } from "../referenceKernel.ts";
import type { Op } from "../referenceOps.ts";

/** A planted bug, and the tests that must see it. */
export interface Fault {
  readonly name: string;
  /** At least one test with such a name must fail. */
  readonly seenBy: RegExp;
  /** The op with the bug; absent for bugs of the memory functions. */
  readonly op?: KernelOp;
  readonly open: () => Kernel;
  /** Opens the second configuration, for bugs that only show when two configurations are compared. */
  readonly openVariant?: () => Kernel;
}

/** A reference kernel with another implementation of one op. */
export function kernelWith<K extends keyof AllOps>(op: K, implementation: Op<K>): ReferenceKernel {
  return new ReferenceKernel({ [op]: implementation });
}

/** A wrong implementation of an op. By default the cases of the op must see it. */
export function fault<K extends KernelOp>(
  op: K,
  name: string,
  implementation: Op<K>,
  seenBy = new RegExp(`^${op} `),
): Fault {
  return { name, op, seenBy, open: () => kernelWith(op, implementation) };
}

/** The sum of some values. */
export function total(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value, 0);
}
