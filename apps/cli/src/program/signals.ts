const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs a function that may take long without returning to the event loop, where no handler of a signal can run: meanwhile Ctrl-C
 * ends the process at once. The handlers are put back afterwards.
 */
export function withoutSignalHandlers<T>(action: () => T): T {
  const removed = signals.map((signal) => [signal, process.rawListeners(signal)] as const);
  for (const signal of signals) process.removeAllListeners(signal);
  try {
    return action();
  } finally {
    for (const [signal, listeners] of removed) {
      for (const listener of listeners) process.on(signal, listener as NodeJS.SignalsListener);
    }
  }
}
