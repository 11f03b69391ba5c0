// A kernel may answer synchronously (the CPU backend does), and awaiting it then never leaves the microtask queue: timers,
// signals and user input would not be handled. Node has setImmediate; in browsers a MessageChannel is fastest (a timer waits
// at least 1 to 4 ms).

interface Port {
  onmessage: (() => void) | null;
  postMessage(message: null): void;
}

const host = globalThis as unknown as {
  setImmediate?: (callback: () => void) => unknown;
  MessageChannel?: new () => { port1: Port; port2: Port };
};

/** Lets the event loop run one round, so that timers, signals and input are handled between steps of long work. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve, reject) => {
    if (host.setImmediate) host.setImmediate(resolve);
    else if (host.MessageChannel) {
      const { port1, port2 } = new host.MessageChannel();
      port1.onmessage = () => {
        port1.onmessage = null;
        resolve();
      };
      port2.postMessage(null);
    } else reject(new Error("this platform has neither setImmediate nor MessageChannel"));
  });
}
