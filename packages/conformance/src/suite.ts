import type { Kernel } from "@mamba/kernel";

/** A runner's `test`: vitest's, node:test's, a browser's, or your own. `skip` is used where the runner has it. */
export interface TestFunction {
  (name: string, body: () => Promise<void>): unknown;
  skip?: (name: string, body: () => Promise<void>) => unknown;
}

export interface ConformanceOptions {
  test: TestFunction;
  /** Opens a fresh kernel. Called several times. */
  open: () => Promise<Kernel>;
  /** Other configurations of the kernel (thread counts) whose results must be bit-equal to those of `open`. */
  openVariants?: readonly (() => Promise<Kernel>)[];
}

/** What was registered with the runner. */
export interface ConformanceSummary {
  readonly tests: number;
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}

/** What a test of the suite runs on. Kernels are opened when first needed and shared by the tests. */
export interface Session {
  kernel(): Promise<Kernel>;
  variants(): Promise<readonly Kernel[]>;
  /** A kernel of the test's own, which it disposes. */
  open: () => Promise<Kernel>;
}

/** One test before it meets a runner. */
export interface SuiteTest {
  name: string;
  /** Reads the skip, if any, off the kernel's own data. */
  skip?: (kernel: Kernel) => string | undefined;
  body: (session: Session) => Promise<void>;
}
