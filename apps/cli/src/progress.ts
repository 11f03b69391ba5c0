import type { SingleBar } from "cli-progress";
import type { Host } from "./host.ts";
import { formatBytes } from "./format.ts";

/** A progress bar on a terminal; silent elsewhere. */
export interface Progress extends Disposable {
  /** How much is done, of how much, in bytes or in whatever `format` turns into text. */
  update(done: number, total: number): void;
}

/** Work that ends sooner than this shows no bar. */
const patience = 300; // ms

/**
 * A bar that appears on stderr once the work takes long enough for someone to wonder, and vanishes when disposed.
 * The library is loaded only then: a quick start matters more.
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
      gracefulExit: false, // signals are handled in one place
    });
    bar.start(latest.total, latest.done);
  };
  return {
    update(done, total) {
      latest = { done, total };
      if (bar) bar.update(done);
      else if (!loading && host.stderr.isTTY && performance.now() - start > patience) {
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
