import { Scope, type WeightDType } from "@mamba/kernel";
import type { BenchmarkCase, Pause } from "../benchmarkCase.ts";
import { spread } from "../sample.ts";
import { type Device, type DeviceFigure, type ProbeFigure, totalSeconds } from "./device.ts";

/** A case or probe that is measured in turns with the others. */
interface Running {
  readonly name: string;
  readonly dtype: WeightDType;
  readonly bytes: number;
  readonly flops: number;
  readonly run: () => void | Promise<void>;
  readonly samples: number[];
  repeats: number;
  dispatches: number;
}

/** A sample repeats its case until it has taken this long, but no more often than one batch of commands can hold. */
const [sampleSeconds, maxRepeats] = [0.03, 256];

/** Measures probes and cases in turns, so that a disturbance hits all of them alike. */
export async function measureDevice(
  device: Device,
  cases: readonly BenchmarkCase[],
  rounds: number,
  pause: Pause,
): Promise<{ readonly probes: readonly ProbeFigure[]; readonly cases: readonly DeviceFigure[] }> {
  using scope = new Scope();
  const { kernel, probes } = device;
  const start = (work: Omit<Running, "samples" | "repeats" | "dispatches">): Running => {
    return { ...work, samples: [], repeats: 1, dispatches: 0 };
  };
  const runningProbes = probes.map((probe) => ({ ...start({ ...probe, dtype: "f32" }), kind: probe.kind }));
  const runningCases = cases.map(({ name, dtype, bytes, flops, prepare }) =>
    start({ name, dtype, bytes, flops, run: prepare(kernel, scope) }),
  );
  const all: Running[] = [...runningProbes, ...runningCases];
  const total = all.length * (rounds + 1);
  let done = 0;
  for (const running of all) {
    await sampleOn(device, running); // compiles
    const seconds = await sampleOn(device, running);
    running.repeats = Math.min(maxRepeats, Math.max(1, Math.ceil(sampleSeconds / Math.max(seconds, 1e-6))));
    await pause(++done, total);
  }
  for (let round = 0; round < rounds; round++) {
    for (const running of all) {
      running.samples.push(await sampleOn(device, running));
      await pause(++done, total);
    }
  }
  return {
    probes: runningProbes.map((running) => ({ ...figureOf(running), kind: running.kind })),
    cases: runningCases.map(figureOf),
  };
}

function figureOf({ name, dtype, bytes, flops, samples, dispatches }: Running): DeviceFigure {
  return { name, weights: dtype, seconds: spread(samples), dispatches, bytes, flops };
}

/** Seconds of one run. */
async function sampleOn(device: Device, running: Running): Promise<number> {
  const { run, repeats } = running;
  await device.kernel.sync();
  const start = performance.now();
  const { dispatches, ops } = await device.observe(async () => {
    for (let i = 0; i < repeats; i++) await run();
  });
  const wall = (performance.now() - start) / 1000;
  running.dispatches = dispatches / repeats;
  return (ops === null ? wall : totalSeconds(ops)) / repeats;
}
