import { RunError } from "../errors.ts";
import { messageOf } from "../messageOf.ts";
import type { Report, Request } from "./protocol.ts";
import type { NodeWorker, WebWorker, WorkerLike } from "./workerModel.ts";

/** The thread's end of the connection to a worker: the same for the workers of browsers and of Node. */
export interface WorkerPort {
  post(request: Request, transfer: readonly Transferable[]): void;
  onReport(listener: (report: Report) => void): void;
  /** The worker has failed or ended; the reason says how. */
  onEnd(listener: (reason: RunError) => void): void;
  /** Says whether the worker keeps the process alive. Does nothing in browsers. */
  hold(isHeld: boolean): void;
  terminate(): Promise<void>;
}

/**
 * Connects to a worker.
 *
 * @param lock the name of a Web Lock that a worker in a browser holds while it lives: a worker that is terminated, or dies for lack of
 * memory, gives no event
 */
export function workerPort(worker: WorkerLike, lock: string): WorkerPort {
  return isWebWorker(worker) ? webPort(worker, lock) : nodePort(worker);
}

/** True for the workers of browsers, and of Deno and Bun where they have the same interface. */
function isWebWorker(worker: WorkerLike): worker is WebWorker {
  return "addEventListener" in worker;
}

function webPort(worker: WebWorker, lock: string): WorkerPort {
  const ended = (reason: string, cause?: unknown): RunError =>
    new RunError("WORKER", `worker: ${reason}`, cause === undefined ? {} : { cause });
  return {
    post: (request, transfer) => worker.postMessage(request, transfer as never[]),
    onReport: (listener) =>
      worker.addEventListener("message", (event) => listener((event as MessageEvent<Report>).data)),
    onEnd(listener) {
      worker.addEventListener("message", (event) => {
        const { data } = event as MessageEvent<Report>;
        if (data.type !== "opening" || !data.isLocked) return;
        void navigator.locks.request(lock, () => listener(ended("it was terminated, or ran out of memory")));
      });
      worker.addEventListener("error", (event) => {
        const { message, filename, lineno } = event as ErrorEvent;
        const error: unknown = (event as ErrorEvent).error;
        // An event without a message: its script could not be fetched, or is not JavaScript.
        const reason = message
          ? `it failed: ${message} (${filename}:${lineno})`
          : "its script could not be loaded";
        listener(ended(reason, error));
      });
      worker.addEventListener("messageerror", () => listener(ended("a message of it could not be read")));
    },
    hold: () => undefined,
    terminate: async () => worker.terminate(),
  };
}

function nodePort(worker: NodeWorker): WorkerPort {
  return {
    post: (request, transfer) => worker.postMessage(request, transfer as never),
    onReport: (listener) => worker.on("message", (report) => listener(report as Report)),
    onEnd(listener) {
      const end = (reason: string, cause?: unknown): void =>
        listener(new RunError("WORKER", `worker: ${reason}`, cause === undefined ? {} : { cause }));
      worker.on("error", (cause) => end(`it failed: ${messageOf(cause)}`, cause));
      worker.on("messageerror", (cause) => end("a message of it could not be read", cause));
      worker.on("exit", (code) => end(`it ended with exit code ${String(code)}`));
    },
    hold: (isHeld) => (isHeld ? worker.ref() : worker.unref()),
    terminate: async () => {
      await worker.terminate();
    },
  };
}
