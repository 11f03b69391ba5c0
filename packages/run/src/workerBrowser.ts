import { browserModels } from "./browser/browserModels.ts";
import { openOn } from "./model/openModel.ts";
import { type ServedPort, serveOn, workerScope } from "./worker/serve.ts";

// A worker that imports this file becomes the host of a model, for `openInWorker`. In another thread the import does nothing.

/** Serves `openInWorker` through a port of another kind, such as a `MessagePort`. One port has one model. */
export function serve(port: ServedPort): void {
  serveOn({ open: openOn.bind(undefined, browserModels), lock: holdLock }, port);
}

export type { ServedPort } from "./worker/serve.ts";
export { protocolVersion } from "./worker/protocol.ts";

/** Takes a Web Lock until this worker ends. False in pages that have none: those without https. */
function holdLock(name: string): Promise<boolean> {
  const { locks } = navigator as { locks?: LockManager };
  if (locks === undefined) return Promise.resolve(false);
  return new Promise((resolve, reject) => {
    const untilTheEnd = new Promise<never>(() => undefined);
    locks
      .request(name, () => {
        resolve(true);
        return untilTheEnd;
      })
      .catch(reject);
  });
}

const port = workerScope();
if (port) serve(port);
