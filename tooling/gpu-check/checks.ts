import { runConformance } from "@mamba/conformance";
import { KernelError, type TrainingKernel } from "@mamba/kernel";
import { createCpuKernel } from "@mamba/kernel-cpu";
import { distance, parityTolerance, trainingNames, trainSmallModel } from "@mamba/parity";
import type { Emit } from "./rows.ts";

/** Seconds between two rows about the progress of the suite. */
const progressSeconds = 2;

/** A selection of the suite's tests. */
export interface Selection {
  /** Only tests whose name contains this text. */
  readonly filter: string;
  /** Time limit. With one, the tests run in an order that samples the whole suite early. */
  readonly seconds?: number | undefined;
}

/** Runs the conformance suite or a selection of it, and emits a row called `name` as it proceeds and at the end. */
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
  const selected = tests.filter((test) => test.name.includes(filter));
  const left = skipped.filter((test) => test.name.includes(filter));
  const order = seconds === Infinity ? selected : spreadOut(selected);
  const failures: string[] = [];
  let ran = 0;
  let lost = false;
  const attempt = async (test: (typeof tests)[number]) => {
    try {
      await test.body();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      failures.push(reason.startsWith(test.name) ? reason : `${test.name}: ${reason}`);
      lost ||= KernelError.is(error, "DEVICE_LOST");
    }
  };
  const emitProgress = (done: boolean) => {
    const verdict = ran > 0 && failures.length === 0 ? "ok" : "failed";
    emit({
      ...{ name, state: done ? verdict : "unfinished" },
      result:
        `${ran - failures.length} passed, ${failures.length} failed, ${left.length} skipped` +
        (ran < tests.length ? `, ${tests.length - ran} left out` : ""),
      figures: { passed: ran - failures.length, failed: failures.length, of: tests.length },
      details: [...failures, ...left.map((test) => `skipped: ${test.name} (${test.reason})`)],
    });
  };
  const start = performance.now();
  let emitted = start;
  for (const test of order) {
    // After the loss of the device all other tests would fail for the same reason.
    if (lost || performance.now() - start > seconds * 1000) break;
    console.error(test.name); // the last line of a process that crashes
    await attempt(test);
    ran++;
    if (performance.now() - emitted < progressSeconds * 1000) continue;
    emitted = performance.now();
    emitProgress(false);
  }
  if (closing) await attempt(closing);
  emitProgress(true);
}

/** The same items in an order whose first ones come from everywhere: multiples of the golden ratio, modulo 1, spread out evenly. */
function spreadOut<T>(items: readonly T[]): T[] {
  const keyed = items.map((item, i) => ({ item, key: (i * 0.6180339887498949) % 1 }));
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item);
}

/** Small training runs on the device and on the CPU: losses and gradient norms must be the same, step by step. */
export async function trainingParity(open: () => Promise<TrainingKernel>, emit: Emit): Promise<void> {
  await using kernel = await open();
  await using cpu = await createCpuKernel({ threads: 1, activations: "f32" });
  const within = (value: number) => value.toExponential(1);
  for (const name of trainingNames) {
    const actual = await trainSmallModel(kernel, name);
    const { loss, gradNorm } = distance(actual, await trainSmallModel(cpu, name));
    emit({
      name: `training beside the CPU: ${name}`,
      state: loss < parityTolerance && gradNorm < parityTolerance ? "ok" : "failed",
      result: `losses within ${within(loss)}, gradient norms within ${within(gradNorm)} of themselves`,
      beside: `${parityTolerance} allowed, ${actual.length} steps`,
      figures: { loss, gradNorm, steps: actual.length },
    });
  }
}
