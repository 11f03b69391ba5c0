import { KernelError, type Kernel } from "@mamba/kernel";
import { execFile } from "node:child_process";
import { createRequire, syncBuiltinESMExports } from "node:module";
import { promisify } from "node:util";
import type { Worker as NodeWorker, WorkerOptions } from "node:worker_threads";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openCpuKernel } from "../src/create.ts";
import { createCpuKernel } from "../src/index.ts";

// Catches the workers that a kernel starts, to end them behind its back.
const threads = createRequire(import.meta.url)("node:worker_threads") as { Worker: typeof NodeWorker };
const Worker = threads.Worker;
let started: { worker: NodeWorker; data: object }[] = [];

beforeEach(() => {
  started = [];
  threads.Worker = class extends Worker {
    constructor(source: string, options: WorkerOptions) {
      super(source, options);
      started.push({ worker: this, data: options.workerData as (typeof started)[number]["data"] });
    }
  };
  syncBuiltinESMExports();
});

afterEach(() => {
  threads.Worker = Worker;
  syncBuiltinESMExports();
});

function work(kernel: Kernel) {
  using x = kernel.upload(
    Float32Array.from({ length: 64 * 256 }, (_, i) => Math.sin(i)),
    [64, 256],
    "f32",
  );
  using weight = kernel.upload(
    Float32Array.from({ length: 512 * 256 }, (_, i) => Math.cos(i)),
    [512, 256],
    "f32",
  );
  return kernel.linear(x, weight);
}

async function result(kernel: Kernel): Promise<Float32Array> {
  using y = work(kernel);
  const [data] = await kernel.read(y);
  return data as Float32Array;
}

test("a worker that dies is a lost device: results before the news are right, later calls are refused", async () => {
  await using alone = await openCpuKernel(1);
  const expected = await result(alone);
  await using kernel = await openCpuKernel(3, { shareAbove: 0, wakeAbove: 0 });
  expect(await result(kernel)).toEqual(expected);
  expect(started.length).toBe(2);
  void started[0]?.worker.terminate();
  using y = work(kernel); // no turn of the event loop yet: nobody knows
  const failure = await kernel.lost;
  expect(KernelError.is(failure, "DEVICE_LOST")).toBe(true);
  expect(failure.message).toMatch(/worker thread 1/);
  expect(() => work(kernel)).toThrow(expect.objectContaining({ code: "DEVICE_LOST" }));
  await expect(kernel.read(y)).rejects.toMatchObject({ code: "DEVICE_LOST" });
  await expect(kernel.sync()).rejects.toMatchObject({ code: "DEVICE_LOST" });
});

// Claims one unit of the next job like assembly/jobs.ts, and never runs it.
const thief = `
const { parentPort, workerData: { memory, control, fault } } = require("node:worker_threads");
const ticket = new BigInt64Array(memory.buffer, control, 1);
const words = new Uint32Array(memory.buffer, control, 64);
parentPort.postMessage("ready");
const first = Atomics.load(ticket, 0);
for (;;) {
  const seen = Atomics.load(ticket, 0);
  if (seen === first || (seen & 0xffffffffn) >= BigInt(words[18])) continue;
  if (Atomics.compareExchange(ticket, 0, seen, seen + 1n) === seen) break;
}
if (fault) Atomics.store(words, 50, 1);`;

async function stolen(fault: boolean) {
  const kernel = await openCpuKernel(2, { shareAbove: 0, wakeAbove: 0, stallMs: 300 });
  const data = { ...started[0]?.data, fault };
  const worker = new Worker(thief, { eval: true, workerData: data });
  await new Promise((resolve) => worker.once("message", resolve));
  let failure: unknown;
  // The scheduler decides in which job the thief gets a unit.
  for (let i = 0; i < 2000 && failure === undefined; i++) {
    try {
      work(kernel).dispose();
    } catch (error) {
      failure = error;
    }
  }
  const held = kernel.memory();
  await worker.terminate();
  await kernel.dispose();
  return { failure, lost: await kernel.lost, held };
}

test("a worker that dies with claimed units does not hang the caller", async () => {
  const { failure, lost, held } = await stolen(false);
  expect(KernelError.is(failure, "DEVICE_LOST")).toBe(true);
  expect(String(failure)).toMatch(/linear made no progress/);
  expect(lost.code).toBe("DEVICE_LOST");
  expect(held.tensors).toBe(0);
});

test("a worker that reports its death ends the wait at once", async () => {
  const { failure, lost } = await stolen(true);
  expect(KernelError.is(failure, "DEVICE_LOST")).toBe(true);
  expect(String(failure)).toMatch(/a worker thread failed/);
  expect(lost.code).toBe("DEVICE_LOST");
});

test("workers see memory that has just grown", async () => {
  await using kernel = await openCpuKernel(3, { shareAbove: 0, wakeAbove: 0 });
  const data = Float32Array.from({ length: 1000 * 1000 }, (_, i) => i);
  const held = [];
  for (let i = 0; i < 40; i++) {
    const before = kernel.runtime.heap.committedBytes;
    const x = kernel.upload(data, [1, 1000, 1000], "f32");
    const y = kernel.flip(x);
    expect(kernel.runtime.heap.committedBytes).toBeGreaterThan(before);
    held.push(x, y);
    using corner = kernel.columns(y, 0, 1);
    const [column] = await kernel.read(corner);
    expect(column).toEqual(Float32Array.from({ length: 1000 }, (_, row) => (999 - row) * 1000));
  }
  for (const tensor of held) tensor.dispose();
});

test("a worker that cannot start is an error that says so, not fewer threads", async () => {
  threads.Worker = class extends Worker {
    constructor(_: string, options: WorkerOptions) {
      super("throw new Error('no threads today')", options);
    }
  };
  const opening = createCpuKernel({ threads: 2 });
  await expect(opening).rejects.toMatchObject({ code: "NO_DEVICE" });
  await expect(opening).rejects.toThrow(/no threads today.*threads: 1/s);
});

test("the number of threads is checked", async () => {
  for (const threads of [0, 17, 1.5, NaN]) {
    await expect(createCpuKernel({ threads })).rejects.toMatchObject({ code: "ARGUMENT" });
  }
});

test("dispose ends the workers", async () => {
  const kernel = await openCpuKernel(3);
  const ended = started.map(({ worker }) => new Promise((resolve) => worker.once("exit", resolve)));
  await kernel.dispose();
  await Promise.all(ended);
  expect(ended.length).toBe(2);
});

test.each(["kernel.dispose()", "undefined"])("a process exits by itself after: %s", async (ending) => {
  const entry = new URL("../dist/index.js", import.meta.url).href;
  const program = `
    const { createCpuKernel } = await import(${JSON.stringify(entry)});
    const kernel = await createCpuKernel({ threads: 3 });
    const x = kernel.zeros([1000, 1000], "f32");
    console.log((await kernel.read(kernel.negExp(x)))[0][0]);
    await ${ending};`;
  const run = promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], {
    timeout: 20_000,
  });
  expect((await run).stdout).toBe("-1\n");
});
