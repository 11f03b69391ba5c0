import { runConformance } from "@mamba/conformance";
import { KernelError, type TrainingKernel } from "@mamba/kernel";
import { createCpuKernel } from "@mamba/kernel-cpu";
import { distance, parityTolerance, trainSmallModel } from "@mamba/parity";
import type { Emit } from "./rows.ts";

/** Seconds between two words about how far the suite is. */
const everySeconds = 2;

/** Which tests of the suite run. */
export interface Selection {
  /** Those with this in their names. */
  readonly filter: string;
  /** So long, and then no more of them; they come from all over the suite. */
  readonly seconds?: number | undefined;
}

/** Runs the conformance suite, or a part of it, and emits a row called `name` on its way and in the end. */
export async function conformance(
  name: string,
  open: () => Promise<TrainingKernel>,
  { filter, seconds = Infinity }: Selection,
  emit: Emit,
): Promise<void> {
  const tests: { name: string; body: () => Promise<void> }[] = [];
  const register = (test: string, body: () => Promise<void>) => tests.push({ name: test, body });
  const { skipped } = await runConformance({
    test: Object.assign(register, { skip: () => undefined }),
    open,
  });
  const closing = tests.pop();
  const chosen = tests.filter((test) => test.name.includes(filter));
  const order = seconds === Infinity ? chosen : spread(chosen);
  const failures: string[] = [];
  let ran = 0;
  let lost = false;
  const attempt = async (test: (typeof tests)[number]) => {
    try {
      await test.body();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      failures.push(why.startsWith(test.name) ? why : `${test.name}: ${why}`);
      lost ||= KernelError.is(error, "DEVICE_LOST");
    }
  };
  const tell = (done: boolean) => {
    const right = ran > 0 && failures.length === 0 ? "ok" : "failed";
    emit({
      ...{ name, state: done ? right : "unfinished" },
      result:
        `${ran - failures.length} passed, ${failures.length} failed, ${skipped.length} skipped` +
        (ran < tests.length ? `, ${tests.length - ran} left out` : ""),
      figures: { passed: ran - failures.length, failed: failures.length, of: tests.length },
      details: [...failures, ...skipped.map((test) => `skipped: ${test.name} (${test.reason})`)],
    });
  };
  const start = performance.now();
  let told = start;
  for (const test of order) {
    // All that follow would fail for the same reason.
    if (lost || performance.now() - start > seconds * 1000) break;
    console.error(test.name); // the last thing said when it takes the process with it
    await attempt(test);
    ran++;
    if (performance.now() - told < everySeconds * 1000) continue;
    told = performance.now();
    tell(false);
  }
  if (closing) await attempt(closing);
  tell(true);
}

/** The same, so that the first of them already come from everywhere: steps of the golden ratio never come close to each other. */
function spread<T>(items: readonly T[]): T[] {
  const keyed = items.map((item, i) => ({ item, key: (i * 0.6180339887498949) % 1 }));
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item);
}

/** A small training run here and on the CPU: losses and gradient norms must be the same, step by step. */
export async function trainingParity(open: () => Promise<TrainingKernel>, emit: Emit): Promise<void> {
  await using kernel = await open();
  await using cpu = await createCpuKernel({ threads: 1 });
  const actual = await trainSmallModel(kernel);
  const { loss, gradNorm } = distance(actual, await trainSmallModel(cpu));
  const within = (value: number) => value.toExponential(1);
  emit({
    name: "training beside the CPU",
    state: loss < parityTolerance && gradNorm < parityTolerance ? "ok" : "failed",
    result: `losses within ${within(loss)}, gradient norms within ${within(gradNorm)} of themselves`,
    beside: `${parityTolerance} allowed, ${actual.length} steps`,
    figures: { loss, gradNorm, steps: actual.length },
  });
}
