import { setImmediate } from "node:timers/promises";
import { formatBytes } from "@mamba/display";
import type { SingleBar } from "cli-progress";
import type { Host } from "./host.ts";

/** A progress bar on a terminal; does nothing elsewhere. */
export interface Progress extends Disposable {
  /** Sets how much of `total` is done, in bytes or in the unit that `format` shows. */
  update(done: number, total: number): void;
}

/** Work that ends sooner shows no bar, in milliseconds. */
const delay = 300;

/**
 * A bar on stderr that appears when the work takes longer than a moment, and vanishes when it is disposed. Its library is
 * loaded only then, because start-up must stay short.
 */
export function progress(
  host: Host,
  label: string,
  format: (value: number) => string = formatBytes,
): Progress {
  const start = performance.now();
  let bar: SingleBar | undefined;
  let loading = false;
  let ended = false;
  let latest = { done: 0, total: 1 };
  const show = async () => {
    const { default: cliProgress } = await import("cli-progress");
    if (ended) return;
    bar = new cliProgress.SingleBar({
      format: `${label} {bar} {percentage}%  {value} of {total}  {eta_formatted} left`,
      formatValue: (value, _options, type) =>
        type === "value" || type === "total" ? format(value) : String(value),
      stream: host.stderr as NodeJS.WritableStream,
      clearOnComplete: true,
      hideCursor: true,
      barsize: 24,
      gracefulExit: false, // signals are handled in main.ts
    });
    bar.start(latest.total, latest.done);
  };
  return {
    update(done, total) {
      latest = { done, total };
      if (bar) bar.update(done);
      else if (!loading && host.stderr.isTTY && performance.now() - start > delay) {
        loading = true;
        void show();
      }
    },
    [Symbol.dispose]() {
      ended = true;
      bar?.stop();
    },
  };
}

/** Called between steps of long work. Throws the signal's reason when the command should end. */
export type Pause = (done: number, total: number) => Promise<void>;

/** Runs work that calls `pause` between its steps, which updates a bar of counts and lets signals in. */
export async function withProgress<T>(
  host: Host,
  label: string,
  run: (pause: Pause) => Promise<T>,
): Promise<T> {
  using bar = progress(host, label, String);
  return await run(async (done, total) => {
    bar.update(done, total);
    await setImmediate(); // without it, signals and the bar would wait for the end of the work
    host.signal.throwIfAborted();
  });
}
