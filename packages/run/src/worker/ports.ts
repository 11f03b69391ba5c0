import { RunError } from "../errors.ts";
import type { Report, Request } from "./protocol.ts";
import type { WorkerLike } from "./workerModel.ts";

/** The thread's end of the connection to a worker: the same for the workers of browsers and of Node. */
export interface WorkerPort {
  post(request: Request, transfer: readonly Transferable[]): void;
  onReport(listener: (report: Report) => void): void;
  /** The worker has failed or ended; `reason` says how. */
  onEnd(listener: (reason: RunError) => void): void;
  /** Says whether the worker keeps the process alive. Does nothing in browsers. */
  hold(isHeld: boolean): void;
  terminate(): Promise<void>;
}

/** The part of Node's `Worker` that is used. */
type NodeWorker = Exclude<WorkerLike, Worker>;

/** Connects to a worker. */
export function workerPort(worker: WorkerLike): WorkerPort {
  return isWebWorker(worker) ? webPort(worker) : nodePort(worker);
}

/** True for the workers of browsers, and of Deno and Bun where they have the same interface. */
function isWebWorker(worker: WorkerLike): worker is Worker {
  return "addEventListener" in worker;
}

function webPort(worker: Worker): WorkerPort {
  return {
    post: (request, transfer) => worker.postMessage(request, [...transfer]),
    onReport: (listener) => worker.addEventListener("message", ({ data }) => listener(data as Report)),
    onEnd(listener) {
      worker.addEventListener("error", (event) => {
        event.preventDefault();
        const { message, filename, lineno } = event;
        const place = filename ? ` (${filename}:${lineno})` : "";
        // An event without a message: its script could not be fetched, or is not JavaScript.
        const reason = message ? `it failed: ${message}${place}` : "its script could not be loaded";
        listener(new RunError("WORKER", `worker: ${reason}`, { cause: event.error as unknown }));
      });
      worker.addEventListener("messageerror", () =>
        listener(new RunError("WORKER", "worker: a message of it could not be read")),
      );
    },
    hold: () => undefined,
    terminate: async () => worker.terminate(),
  };
}

function nodePort(worker: NodeWorker): WorkerPort {
  return {
    post: (request, transfer) => worker.postMessage(request, transfer as never),
    onReport: (listener) => worker.on("message", listener),
    onEnd(listener) {
      worker.on("error", (cause: Error) =>
        listener(new RunError("WORKER", `worker: it failed: ${cause.message}`, { cause })),
      );
      worker.on("messageerror", (cause) =>
        listener(new RunError("WORKER", `worker: a message of it could not be read: ${cause.message}`, { cause })),
      );
      worker.on("exit", (code) =>
        listener(new RunError("WORKER", `worker: it ended with exit code ${code} while its model was open`)),
      );
    },
    hold: (isHeld) => (isHeld ? worker.ref() : worker.unref()),
    terminate: async () => void (await worker.terminate()),
  };
}
