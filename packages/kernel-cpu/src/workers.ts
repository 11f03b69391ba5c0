import { KernelError } from "@mamba/kernel";
import { nodeModule, platform, type SharedMemory, type WasmModule } from "./platform.ts";
import { jobNames } from "./wasm.ts";

/**
 * Polls of the epoch before a worker goes to sleep: about 80 µs at 3 GHz. That is longer than the gaps between the ops of a token:
 * a worker that sleeps in one misses all following ops that are too short to wake it.
 */
const idleSpins = 200_000;
const startMs = 20_000;

/** The data that a worker needs to run units of jobs. `memory` is the main one. */
interface Assignment {
  readonly module: WasmModule;
  readonly memory: SharedMemory;
  readonly control: number;
  readonly jobs: readonly string[];
  readonly thread: number;
  readonly spins: number;
}

// Runs in the worker, without imports. The worker blocks in `work` until the kernel ends, or until there is a further memory: then its
// event loop receives that memory, and `add` enters `work` again. See assembly/jobs.ts.
const serve = `
let main;
let generation = -1;
function add({ module, control, jobs, thread, spins }, memory, ready) {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  main ??= exports;
  const first = main.table.grow(jobs.length);
  jobs.forEach((job, i) => main.table.set(first + i, exports[job + "Run"]));
  generation++;
  ready?.();
  try {
    main.work(control, thread, spins, generation);
  } catch (error) {
    main.fault(control);
    throw error;
  }
}`;
const nodeSource = `${serve}
const { parentPort, workerData } = process.getBuiltinModule("node:worker_threads");
parentPort.on("message", (memory) => add(workerData, memory));
add(workerData, workerData.memory, () => parentPort.postMessage("ready"));`;
const webSource = `${serve}
let assignment;
onmessage = ({ data }) => {
  if (assignment) add(assignment, data);
  else add((assignment = data), data.memory, () => postMessage("ready"));
};`;

/** One started worker. */
interface Started {
  /** Resolves when the worker runs, rejects when it could not start. */
  readonly ready: Promise<void>;
  /** Sends a further memory, which the worker receives once it leaves `work`. */
  send(memory: SharedMemory): void;
  end(): Promise<void>;
}

/** True when there are workers that can share memory with this thread. */
export function workersAvailable(): boolean {
  if (nodeModule("node:worker_threads")) return true;
  return platform.crossOriginIsolated === true && platform.Worker !== undefined;
}

/** Threads that this platform has: 1 without workers over shared memory. */
export function availableThreads(): number {
  if (!workersAvailable()) return 1;
  return nodeModule("node:os")?.availableParallelism() ?? platform.navigator?.hardwareConcurrency ?? 1;
}

/** True when the calling thread may block; the main thread of a browser may not. */
export function maySleep(memory: SharedMemory): boolean {
  try {
    Atomics.wait(new Int32Array(memory.buffer, 0, 1), 0, 0, 0);
    return true;
  } catch {
    return false;
  }
}

/** The workers beside the calling thread. */
export class Workers {
  readonly #started: readonly Started[];

  private constructor(started: readonly Started[]) {
    this.#started = started;
  }

  /**
   * Starts `count` workers and waits until they run.
   *
   * @param onDeath called when a worker ends before `end` was called
   * @throws KernelError `NO_DEVICE` when one does not start
   */
  static async start(
    count: number,
    module: WasmModule,
    memory: SharedMemory,
    control: number,
    onDeath: (reason: string, cause?: unknown) => void,
  ): Promise<Workers> {
    const started: Started[] = [];
    for (let thread = 1; thread <= count; thread++) {
      const assignment = { module, memory, control, jobs: jobNames, thread, spins: idleSpins };
      started.push(startNodeWorker(assignment, onDeath) ?? startWebWorker(assignment, onDeath));
    }
    const workers = new Workers(started);
    try {
      await Promise.all(started.map(({ ready }) => ready));
    } catch (cause) {
      await workers.end();
      const message = `a worker thread did not start: ${cause instanceof Error ? cause.message : String(cause)}`;
      throw new KernelError("NO_DEVICE", `${message}. Pass threads: 1 to run without them`, { cause });
    }
    return workers;
  }

  /** Sends a further memory to all workers. They receive it after `WasmExports.reload`. */
  send(memory: SharedMemory): void {
    for (const worker of this.#started) worker.send(memory);
  }

  /** Ends all workers and waits until they are gone. */
  async end(): Promise<void> {
    await Promise.all(this.#started.map((worker) => worker.end()));
  }
}

type OnDeath = (reason: string, cause?: unknown) => void;

function startNodeWorker(workerData: Assignment, onDeath: OnDeath): Started | undefined {
  const threads = nodeModule("node:worker_threads");
  if (!threads) return undefined;
  const worker = new threads.Worker(nodeSource, {
    eval: true,
    execArgv: [], // without the modules that the app preloads
    workerData,
    name: "mamba-cpu",
  });
  worker.unref();
  let ended = false;
  const ready = new Promise<void>((resolve, reject) => {
    worker.once("message", () => resolve());
    worker.once("error", (cause) => {
      reject(new Error(cause instanceof Error ? cause.message : String(cause), { cause }));
      if (!ended) onDeath(`worker thread ${workerData.thread} failed`, cause);
    });
    worker.once("exit", (code) => {
      reject(new Error(`it ended with code ${String(code)}`));
      if (!ended) onDeath(`worker thread ${workerData.thread} ended with code ${String(code)}`);
    });
  });
  const send = (memory: SharedMemory) => worker.postMessage(memory);
  const end = async () => {
    ended = true;
    await worker.terminate();
  };
  return { ready, send, end };
}

function startWebWorker(assignment: Assignment, onDeath: OnDeath): Started {
  const { Worker, Blob, URL } = platform;
  if (!Worker) throw new KernelError("UNSUPPORTED", "this platform has no workers");
  const url = URL.createObjectURL(new Blob([webSource], { type: "text/javascript" }));
  const worker = new Worker(url, { name: "mamba-cpu" });
  let ended = false;
  const ready = new Promise<void>((resolve, reject) => {
    const timer = platform.setTimeout(() => reject(new Error("it did not answer")), startMs);
    worker.addEventListener("message", () => {
      platform.clearTimeout(timer);
      URL.revokeObjectURL(url);
      resolve();
    });
    worker.addEventListener("error", ({ message }) => {
      const reason = message ?? "blocked, perhaps by a content security policy without worker-src blob:";
      reject(new Error(reason));
      if (!ended) onDeath(`worker thread ${assignment.thread} failed: ${reason}`);
    });
  });
  worker.postMessage(assignment);
  const send = (memory: SharedMemory) => worker.postMessage(memory);
  const end = () => {
    ended = true;
    worker.terminate();
    return Promise.resolve();
  };
  return { ready, send, end };
}
