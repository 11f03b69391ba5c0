import type { Kernel } from "@mamba/kernel";

/** The `test` function of a test runner. `skip` is used when the runner has it. */
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

/** The tests that were registered with the runner. */
export interface ConformanceSummary {
  readonly tests: number;
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}

/** The kernels of a test. They are opened when first needed and shared by the tests. */
export interface Session {
  kernel(): Promise<Kernel>;
  variants(): Promise<readonly Kernel[]>;
  /** Opens a kernel for one test, which disposes it. */
  open: () => Promise<Kernel>;
}

/** One test, not yet registered with a runner. */
export interface SuiteTest {
  name: string;
  /** Returns the reason to skip the test on this kernel, from `capabilities` and `supports` alone. */
  skip?: (kernel: Kernel) => string | undefined;
  body: (session: Session) => Promise<void>;
}
