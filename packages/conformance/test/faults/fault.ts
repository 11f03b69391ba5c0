import type { Kernel } from "@mamba/kernel";

/** A way for a kernel to be wrong, and the tests that must see it. */
export interface Fault {
  readonly name: string;
  /** At least one test with such a name must fail, whatever else does. */
  readonly seenBy: RegExp;
  readonly open: () => Kernel;
  /** For faults that only a second configuration has. */
  readonly openVariant?: () => Kernel;
}
