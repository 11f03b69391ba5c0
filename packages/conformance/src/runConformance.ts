import type { Kernel } from "@mamba/kernel";
import { cases } from "./opSuites.ts";
import { skipReason } from "./case.ts";
import { checkCase } from "./checkCase.ts";
import { contractTests } from "./contract/index.ts";
import { goldenTests } from "./goldenTests.ts";
import { lawTests } from "./laws/index.ts";
import type { ConformanceOptions, ConformanceSummary, Session, SuiteTest } from "./suiteTest.ts";

const caseTests: SuiteTest[] = cases.map((item) => ({
  name: item.name,
  skip: (kernel) => skipReason(item, kernel),
  body: async (session) => checkCase(item, await session.kernel(), await session.variants()),
}));

/**
 * Registers the whole suite with a test runner. Await it where tests are defined, at the top level of a test file:
 *
 * ```ts
 * await runConformance({ test, open: () => provider.create() });
 * ```
 *
 * One kernel is opened to read its capabilities and closed before the tests are registered. Another is shared by all
 * tests, which run one after another. A test is skipped only because of `capabilities` or `supports`; the reason is part of
 * the name of the test and of the returned summary. A runner without `skip` gets the skipped tests as passing ones.
 */
export async function runConformance(options: ConformanceOptions): Promise<ConformanceSummary> {
  const { test, open, openVariants = [] } = options;
  const tests = [...contractTests, ...caseTests, ...lawTests, ...goldenTests];
  const probe = await open();
  const reasons = tests.map((item) => item.skip?.(probe));
  await probe.dispose();

  const { session, close } = shareKernels(open, openVariants);
  const inTurn = queue();
  const skipped: { name: string; reason: string }[] = [];
  tests.forEach((item, i) => {
    const reason = reasons[i];
    if (reason === undefined) {
      test(item.name, () => inTurn(() => item.body(session)));
    } else {
      skipped.push({ name: item.name, reason });
      (test.skip ?? test)(`${item.name} (skipped: ${reason})`, () => Promise.resolve());
    }
  });
  test("the kernels close", () => inTurn(close));
  return { tests: tests.length + 1, skipped };
}

/** Opens each kernel when the first test needs it. */
function shareKernels(open: () => Promise<Kernel>, openVariants: readonly (() => Promise<Kernel>)[]) {
  let main: Promise<Kernel> | undefined;
  let others: Promise<Kernel[]> | undefined;
  const session: Session = {
    kernel: () => (main ??= open()),
    variants: () => (others ??= Promise.all(openVariants.map((openVariant) => openVariant()))),
    open,
  };
  const close = async (): Promise<void> => {
    for (const kernel of [await main, ...((await others) ?? [])]) await kernel?.dispose();
    main = others = undefined;
  };
  return { session, close };
}

/** Runs bodies one after another, also under a runner that starts all at once: they count the live tensors. */
function queue(): (body: () => Promise<void>) => Promise<void> {
  let last: Promise<unknown> = Promise.resolve();
  return (body) => {
    const result = last.then(body);
    last = result.catch(() => undefined);
    return result;
  };
}
