import { CheckpointError } from "../errors.ts";
import type { Matches } from "./pattern.ts";

interface Port {
  postMessage(value: unknown): void;
  unref(): void;
  close(): void;
}

interface Worker {
  unref(): void;
  on(event: "error", listener: () => void): void;
  terminate(): Promise<number>;
}

/** The part of Node's `worker_threads` that is used. */
interface Threads {
  readonly MessageChannel: new () => { readonly port1: Port; readonly port2: Port };
  readonly Worker: new (program: string, options: object) => Worker;
  readonly receiveMessageOnPort: (port: Port) => { readonly message: unknown } | undefined;
}

/** Milliseconds that matching may take, besides one for each 500 characters. */
const limitMs = 1000;
/** Megabytes that the thread may hold: enough for the matches of the longest text that is tokenized at once. */
const heapMb = 256;

/** The thread's program. It answers each request by the matches of each text, or by an error's message. */
const program = `
const { workerData: { port, flag } } = require("node:worker_threads");
port.on("message", ({ source, flags, texts }) => {
  let answer;
  try {
    const regex = new RegExp(source, flags);
    answer = texts.map((text) => {
      const found = [];
      for (const match of text.matchAll(regex)) found.push(match.index, match.index + match[0].length);
      return Int32Array.from(found);
    });
  } catch (error) {
    answer = String(error);
  }
  port.postMessage(answer);
  Atomics.store(flag, 0, 1);
  Atomics.notify(flag, 0);
});
Atomics.store(flag, 0, 1);
Atomics.notify(flag, 0);
`;

interface Matcher {
  match(regex: RegExp, texts: readonly string[], limit: number): Int32Array[] | string | undefined;
  stop(): void;
}

let current: Matcher | undefined;

/**
 * Returns a function that matches a regular expression in a thread of its own and waits for it, for at most a second and 2 ms
 * for each 1000 characters; undefined where a thread cannot be waited for, as in browsers. One thread serves all tokenizers. It
 * starts at the first use, does not keep the process alive, and is replaced after it was stopped.
 */
export function matchApart():
  ((regex: RegExp, texts: readonly string[], path: string) => Matches[]) | undefined {
  const threads = workerThreads();
  if (!threads) return undefined;
  return (regex, texts, path) => {
    const length = texts.reduce((sum, text) => sum + text.length, 0);
    const limit = limitMs + length / 500;
    const matcher = (current ??= start(threads));
    const found = matcher.match(regex, texts, limit);
    if (Array.isArray(found)) return found;
    matcher.stop();
    current = undefined;
    const reason =
      found ?? `it takes more than ${Math.round(limit)} ms, or too much memory, on ${length} characters`;
    throw new CheckpointError("TOKENIZER", `${path}: the regular expression cannot be used: ${reason}`);
  };
}

/** Node's threads, without an import that a browser's bundler would have to resolve. */
function workerThreads(): Threads | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): unknown } };
  return process?.getBuiltinModule?.("node:worker_threads") as Threads | undefined;
}

function start({ MessageChannel, receiveMessageOnPort, Worker }: Threads): Matcher {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(program, {
    eval: true,
    workerData: { port: port2, flag },
    transferList: [port2],
    resourceLimits: { maxOldGenerationSizeMb: heapMb },
    stdin: false,
    env: {},
    execArgv: [],
  });
  worker.unref();
  port1.unref();
  worker.on("error", () => {}); // out of memory: the caller, who waits for the flag, has reported it
  const wait = (ms: number): boolean => Atomics.wait(flag, 0, 0, ms) !== "timed-out";
  const isReady = wait(10_000);
  return {
    match(regex, texts, limit) {
      if (!isReady) return "its thread does not start";
      Atomics.store(flag, 0, 0);
      port1.postMessage({ source: regex.source, flags: regex.flags, texts });
      if (!wait(limit)) return undefined;
      return receiveMessageOnPort(port1)?.message as Int32Array[] | string | undefined;
    },
    stop() {
      port1.close();
      void worker.terminate();
    },
  };
}
