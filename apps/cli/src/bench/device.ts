import { Scope, type FloatDType } from "@mamba/kernel";
import { probes, type DispatchTime, type Probe, type WebGpuKernel } from "@mamba/kernel-webgpu";
import { resolveLMConfig } from "@mamba/core";
import { presets, type PresetName } from "../presets.ts";
import { spread, type Spread } from "./measure.ts";
import { decode } from "./model-specs.ts";
import type { CaseSpec } from "./spec.ts";

/** A case on a device, beside the plain shaders of the same run. */
export interface DeviceFigure {
  readonly name: string;
  readonly weights: FloatDType;
  /** Of one run: on the device where it has timestamps, else until it has answered. */
  readonly seconds: Spread;
  readonly dispatches: number;
  /** Those that one run cannot do without. */
  readonly bytes: number;
  readonly flops: number;
}

/** What one decoded token takes. */
export interface DecodeFigure {
  readonly name: string;
  readonly weights: FloatDType;
  readonly layers: number;
  readonly dispatches: number;
  readonly submissions: number;
  readonly bytes: number;
  /** Until the token is on the host. */
  readonly seconds: Spread;
  /** Seconds on the device by op, the most first; null without timestamps. */
  readonly ops:
    readonly { readonly op: string; readonly dispatches: number; readonly seconds: number }[] | null;
  /** Fraction of the time on the device that goes to the products of weights; null without timestamps. */
  readonly productShare: number | null;
}

/** Something to be measured in turns with the others. */
interface Running {
  readonly name: string;
  readonly dtype: FloatDType;
  readonly bytes: number;
  readonly flops: number;
  readonly run: () => void | Promise<void>;
  readonly samples: number[];
  repeats: number;
  dispatches: number;
}

export type Pause = (done: number, total: number) => Promise<void>;

/** A sample repeats its case until it has taken this long, but not more often than a batch of commands has room for. */
const [sampleSeconds, mostRepeats] = [0.03, 256];

/** The plain shaders and the cases in turns, so that a disturbance meets all of them alike. */
export async function measureDevice(
  kernel: WebGpuKernel,
  specs: readonly CaseSpec[],
  rounds: number,
  pause: Pause,
): Promise<{
  readonly plain: readonly (DeviceFigure & Pick<Probe, "kind">)[];
  readonly cases: DeviceFigure[];
}> {
  using scope = new Scope();
  const plain = probes(kernel);
  try {
    const start = (what: Omit<Running, "samples" | "repeats" | "dispatches">): Running => {
      return { ...what, samples: [], repeats: 1, dispatches: 0 };
    };
    const all = [
      ...plain.all.map((probe) => start({ ...probe, dtype: "f32" })),
      ...specs.map(({ name, dtype, bytes, flops, prepare }) =>
        start({ name, dtype, bytes, flops, run: prepare(kernel, scope) }),
      ),
    ];
    const total = all.length * (rounds + 1);
    let done = 0;
    for (const running of all) {
      await sample(kernel, running); // compiles
      const seconds = await sample(kernel, running);
      running.repeats = Math.min(
        mostRepeats,
        Math.max(1, Math.ceil(sampleSeconds / Math.max(seconds, 1e-6))),
      );
      await pause(++done, total);
    }
    for (let round = 0; round < rounds; round++) {
      for (const running of all) {
        running.samples.push(await sample(kernel, running));
        await pause(++done, total);
      }
    }
    const figures = all.map(({ name, dtype, bytes, flops, samples, dispatches }) => {
      return { name, weights: dtype, seconds: spread(samples), dispatches, bytes, flops };
    });
    return {
      plain: plain.all.map(({ kind }, i) => ({ ...(figures[i] as DeviceFigure), kind })),
      cases: figures.slice(plain.all.length),
    };
  } finally {
    plain.dispose();
  }
}

/** Seconds of one run. */
async function sample(kernel: WebGpuKernel, running: Running): Promise<number> {
  const { run, repeats } = running;
  await kernel.sync();
  const start = performance.now();
  const times = await kernel.profile(async () => {
    for (let i = 0; i < repeats; i++) await run();
    await kernel.sync();
  });
  const wall = (performance.now() - start) / 1000;
  running.dispatches = times.length / repeats;
  return (onDevice(times) ?? wall) / repeats;
}

/** Seconds on the device, where it tells. */
function onDevice(times: readonly DispatchTime[]): number | undefined {
  let sum = 0;
  for (const { seconds } of times) {
    if (seconds === undefined) return undefined;
    sum += seconds;
  }
  return sum;
}

/** Decodes token after token: what goes to the device for one, and where its time goes. */
export async function measureDecode(
  kernel: WebGpuKernel,
  preset: PresetName,
  dtype: FloatDType,
  tokens: number,
  pause: Pause,
): Promise<DecodeFigure> {
  using scope = new Scope();
  const { name, prepare } = decode(preset, dtype, 1);
  const step = prepare(kernel, scope);
  for (let i = 0; i < 2; i++) await step(); // compiles, and makes the buffers
  const before = kernel.counts;
  const samples: number[] = [];
  const times: DispatchTime[] = [];
  for (let i = 0; i < tokens; i++) {
    const start = performance.now();
    await step();
    samples.push((performance.now() - start) / 1000);
    await pause(i + 1, 2 * tokens);
  }
  const after = kernel.counts;
  for (let i = 0; i < tokens; i++) {
    times.push(...(await kernel.profile(step)));
    await pause(tokens + i + 1, 2 * tokens);
  }
  const perToken = (what: "dispatches" | "submissions" | "bytes") => (after[what] - before[what]) / tokens;
  const all = onDevice(times);
  const ops = [...new Set(times.map(({ op }) => op))].map((op) => {
    const own = times.filter((time) => time.op === op);
    return { op, dispatches: own.length / tokens, seconds: (onDevice(own) ?? NaN) / tokens };
  });
  const products = onDevice(times.filter(({ op }) => op === "linear"));
  return {
    ...{ name, weights: dtype, layers: resolveLMConfig(presets[preset]).nLayers },
    ...{ dispatches: perToken("dispatches"), submissions: perToken("submissions"), bytes: perToken("bytes") },
    seconds: spread(samples),
    ops: all === undefined ? null : ops.sort((a, b) => b.seconds - a.seconds),
    productShare: all === undefined || products === undefined ? null : products / all,
  };
}
