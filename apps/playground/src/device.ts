// The memory that a browser gives one page. Browsers do not tell it, so it is derived from what they tell of the device.

/** The facts that a browser tells of its device. */
export interface Device {
  /** `navigator.deviceMemory`, in GiB, which browsers round and cap. Undefined in Safari and Firefox. */
  readonly memory: number | undefined;
  readonly userAgent: string;
  readonly touchPoints: number;
}

/** The memory for a page on this device, and the reason. */
export interface MemoryBudget {
  readonly bytes: number;
  /** A sentence without its end, for people. */
  readonly reason: string;
}

/** iOS ends pages between about 1 and 1.5 GB, without an error that a page could catch. */
const appleBytes = 1e9;
/** Chromium reports at most this many GiB, so a device that reports it may have any amount above. */
const mostReported = 8;

/** The memory for a page; undefined when only the backend limits it. */
export function memoryBudget({ memory, userAgent, touchPoints }: Device): MemoryBudget | undefined {
  // An iPad calls itself a Macintosh, which has no touch screen.
  const isApple = /iPhone|iPad|iPod/.test(userAgent) || (/Macintosh/.test(userAgent) && touchPoints > 1);
  if (isApple)
    return { bytes: appleBytes, reason: "iPhones and iPads end a page that takes more than about 1 GB" };
  const isMobile = /Android|Mobile/.test(userAgent);
  if (memory === undefined) {
    return isMobile
      ? { bytes: 2 ** 30, reason: "phones often end a page that takes more than about 1 GB" }
      : undefined;
  }
  const reported = `the browser reports ${memory} GB of memory`;
  // Android keeps the rest for the system and other apps, and ends the page that takes most first.
  if (isMobile) {
    return {
      bytes: (memory / 4) * 2 ** 30,
      reason: `${reported}, of which a page on a phone gets about a quarter`,
    };
  }
  return memory < mostReported
    ? { bytes: (memory / 2) * 2 ** 30, reason: `${reported}, of which a page gets about half` }
    : undefined;
}

/** The memory of the page itself: scripts, the text of the tokenizer, buffers of the load. */
export const pageBytes = 100e6;

/** The number of parameters that a model in a storage type may have in some bytes, for people. */
export function parametersIn(bytes: number, type: "q4_0" | "q8_0"): string {
  // ggml's blocks of 32 values: a scale of 2 bytes, and 4 or 8 bits a value.
  const count = bytes / (type === "q4_0" ? 18 / 32 : 34 / 32);
  return count >= 1e9 ? `${(count / 1e9).toFixed(1)} billion` : `${Math.floor(count / 1e7) * 10} million`;
}
