import { nodeModule, platform } from "./platform.ts";

/**
 * Bytes of memory that this process can still use; undefined where the platform does not tell, as in browsers. Memory that the
 * operating system uses to cache files counts as usable, swap space does not.
 */
export function availableBytes(): number | undefined {
  const os = nodeModule("node:os");
  if (!os) return undefined;
  const total = os.totalmem();
  const used = platform.process?.memoryUsage?.rss() ?? 0;
  // Without a limit of a container this is 0 or more than the machine has.
  const constrained = platform.process?.constrainedMemory?.() ?? 0;
  const limit = constrained > 0 ? Math.min(constrained, total) : total;
  return Math.max(0, Math.min(limit - used, unusedBytes(os) ?? Infinity));
}

/** Bytes that no process uses. On macOS the system reports pages that it could reclaim as used, so nothing is known there. */
function unusedBytes(os: { platform(): string; freemem(): number }): number | undefined {
  if (os.platform() === "win32") return os.freemem();
  if (os.platform() !== "linux") return undefined;
  try {
    const text = nodeModule("node:fs")?.readFileSync("/proc/meminfo", "utf8") ?? "";
    const kilobytes = /^MemAvailable:\s+(\d+) kB$/m.exec(text)?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined; // a sandbox without /proc
  }
}
