import { parentPort } from "node:worker_threads";
import { openOn } from "./model/openModel.ts";
import { nodeModels } from "./node/nodeModels.ts";
import { type ServedPort, serveOn, workerScope } from "./worker/serve.ts";

// A worker that imports this file becomes the host of a model, for `openInWorker`. In another thread the import does nothing.

/** Serves `openInWorker` through a port of another kind, such as a `MessagePort`. One port has one model. */
export function serve(port: ServedPort): void {
  const open = openOn.bind(undefined, nodeModels);
  // The thread hears of the end of a worker in Node.
  serveOn({ open, lock: () => Promise.resolve(false) }, port);
}

export type { ServedPort } from "./worker/serve.ts";
export { protocolVersion } from "./worker/protocol.ts";

const port = parentPort ?? workerScope();
if (port) serve(port);
