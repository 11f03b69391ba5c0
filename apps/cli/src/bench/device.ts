import { Scope, type FloatDType, type TrainingKernel } from "@mamba/kernel";
import { resolveLMConfig } from "@mamba/core";
import { presets, type PresetName } from "../presets.ts";
import { spread, type Spread } from "./measure.ts";
import { decode } from "./model-specs.ts";
import type { CaseSpec } from "./spec.ts";

/** The device of a kernel, as it is measured. Disposing gives up what is plain, not the kernel. */
export interface Device extends Disposable {
  readonly kernel: TrainingKernel;
  /** Measured in turns with the cases, as what they are compared with. */
  readonly plain: readonly Plain[];
  /** What went to the device so far, as a report names it. */
  counts(): Readonly<Record<string, number>>;
  /** Runs, and waits for the device. */
  observe(run: () => unknown): Promise<Observed>;
}

/** Something plain, of which bytes or operations are known. It gives its results up. */
export interface Plain {
  readonly name: string;
  readonly kind: string;
  /** Read and written. */
  readonly bytes: number;
  readonly flops: number;
  readonly run: () => void;
}

/** What went to a device during a run. */
export interface Observed {
  readonly dispatches: number;
  /** By op; null where the device has no timestamps. */
  readonly ops: readonly OpTime[] | null;
}

export interface OpTime {
  readonly op: string;
  readonly dispatches: number;
  /** On the device. */
  readonly seconds: number;
}

/** A case on a device, beside the plain ones of the same run. */
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

export type PlainFigure = DeviceFigure & Pick<Plain, "kind">;

/** What one decoded token takes. */
export interface DecodeFigure {
  readonly name: string;
  readonly weights: FloatDType;
  readonly layers: number;
  /** The device's counts. */
  readonly perToken: Readonly<Record<string, number>>;
  /** Until the token is on the host. */
  readonly seconds: Spread;
  /** By op, the most time first; null without timestamps. */
  readonly ops: readonly OpTime[] | null;
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

/** The plain cases and the others in turns, so that a disturbance meets all of them alike. */
export async function measureDevice(
  device: Device,
  specs: readonly CaseSpec[],
  rounds: number,
  pause: Pause,
): Promise<{ readonly plain: readonly PlainFigure[]; readonly cases: readonly DeviceFigure[] }> {
  using scope = new Scope();
  const { kernel, plain } = device;
  const start = (what: Omit<Running, "samples" | "repeats" | "dispatches">): Running => {
    return { ...what, samples: [], repeats: 1, dispatches: 0 };
  };
  const all = [
    ...plain.map((one) => start({ ...one, dtype: "f32" })),
    ...specs.map(({ name, dtype, bytes, flops, prepare }) =>
      start({ name, dtype, bytes, flops, run: prepare(kernel, scope) }),
    ),
  ];
  const total = all.length * (rounds + 1);
  let done = 0;
  for (const running of all) {
    await sample(device, running); // compiles
    const seconds = await sample(device, running);
    running.repeats = Math.min(mostRepeats, Math.max(1, Math.ceil(sampleSeconds / Math.max(seconds, 1e-6))));
    await pause(++done, total);
  }
  for (let round = 0; round < rounds; round++) {
    for (const running of all) {
      running.samples.push(await sample(device, running));
      await pause(++done, total);
    }
  }
  const figures = all.map(({ name, dtype, bytes, flops, samples, dispatches }) => {
    return { name, weights: dtype, seconds: spread(samples), dispatches, bytes, flops };
  });
  return {
    plain: plain.map(({ kind }, i) => ({ ...(figures[i] as DeviceFigure), kind })),
    cases: figures.slice(plain.length),
  };
}

/** Seconds of one run. */
async function sample(device: Device, running: Running): Promise<number> {
  const { run, repeats } = running;
  await device.kernel.sync();
  const start = performance.now();
  const { dispatches, ops } = await device.observe(async () => {
    for (let i = 0; i < repeats; i++) await run();
  });
  const wall = (performance.now() - start) / 1000;
  running.dispatches = dispatches / repeats;
  return (ops === null ? wall : secondsOf(ops)) / repeats;
}

/** On the device, together. */
export function secondsOf(ops: readonly OpTime[]): number {
  return ops.reduce((sum, { seconds }) => sum + seconds, 0);
}

/** Decodes token after token: what goes to the device for one, and where its time goes. */
export async function measureDecode(
  device: Device,
  preset: PresetName,
  dtype: FloatDType,
  tokens: number,
  pause: Pause,
): Promise<DecodeFigure> {
  using scope = new Scope();
  const { name, prepare } = decode(preset, dtype, 1);
  const step = prepare(device.kernel, scope);
  for (let i = 0; i < 3; i++) await step(); // compiles, makes the buffers and what is replayed
  const before = device.counts();
  const samples: number[] = [];
  for (let i = 0; i < tokens; i++) {
    const start = performance.now();
    await step();
    samples.push((performance.now() - start) / 1000);
    await pause(i + 1, 2 * tokens);
  }
  const counts = Object.entries(device.counts());
  const perToken = Object.fromEntries(
    counts.map(([what, after]) => [what, (after - (before[what] ?? 0)) / tokens]),
  );
  const { ops } = await device.observe(async () => {
    for (let i = 0; i < tokens; i++) {
      await step();
      await pause(tokens + i + 1, 2 * tokens);
    }
  });
  const each = ops?.map(({ op, dispatches, seconds }) => {
    return { op, dispatches: dispatches / tokens, seconds: seconds / tokens };
  });
  const products = each?.filter(({ op }) => op === "linear");
  return {
    ...{ name, weights: dtype, layers: resolveLMConfig(presets[preset]).nLayers, perToken },
    seconds: spread(samples),
    ops: each?.sort((a, b) => b.seconds - a.seconds) ?? null,
    productShare: each && products ? secondsOf(products) / secondsOf(each) : null,
  };
}
