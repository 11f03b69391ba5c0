import { type HostPlatform, Host } from "./host.ts";

/** One end of a channel of messages: a `MessagePort`, the scope of a dedicated worker, or Node's `parentPort`. */
export interface ServedPort {
  postMessage(message: unknown, transfer: never[]): void;
  addEventListener(type: "message", listener: (event: object) => void): void;
  /** Ports begin to give messages with it. */
  start?: (() => void) | undefined;
}

/** Serves the requests that come through a port. */
export function serveOn(platform: HostPlatform, port: ServedPort): void {
  const host = new Host(platform, (report, transfer) => port.postMessage(report, transfer as never[]));
  port.addEventListener("message", (event) => host.receive((event as { readonly data: unknown }).data));
  port.start?.();
}

/** The scope of this thread when it is a dedicated worker of a browser, or of a runtime with the same interface. */
export function workerScope(): ServedPort | undefined {
  const { DedicatedWorkerGlobalScope: Scope } = globalThis as unknown as {
    DedicatedWorkerGlobalScope?: abstract new () => ServedPort;
  };
  const scope: unknown = globalThis;
  return Scope !== undefined && scope instanceof Scope ? scope : undefined;
}
