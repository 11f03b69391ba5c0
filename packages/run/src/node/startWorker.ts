import { Worker } from "node:worker_threads";
import { RunError } from "../errors.ts";
import { messageOf } from "../messageOf.ts";
import { programPath } from "./programPath.ts";

/**
 * Starts a worker of this package.
 *
 * @throws RunError `WORKER` when the package is not installed, as it may be for a bundle
 */
export function startWorker(): Worker {
  try {
    // The flags of the app's program, such as --input-type, are not for the worker's.
    return new Worker(programPath("worker"), { name: "mamba", execArgv: [] });
  } catch (cause) {
    const remedy = "give the option worker: a worker whose file imports @mamba/run/worker";
    throw new RunError("WORKER", `worker: its program was not found: ${messageOf(cause)}; ${remedy}`, {
      cause,
    });
  }
}
