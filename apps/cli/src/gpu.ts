import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import type { Availability } from "@mamba/kernel";
import type { Host } from "./host.ts";

/**
 * What Linux shows of GPUs: of any with an open driver; of NVIDIA's, whose own driver makes its device files when it is
 * first used; and of those of Windows around it.
 */
export const signsOfGpus = [
  "/dev/dri/renderD128",
  "/dev/nvidiactl",
  "/dev/nvidia0",
  "/proc/driver/nvidia/version",
  "/dev/dxg",
] as const;

/**
 * Whether there may be a GPU. Only Linux tells; anywhere else one is as good as sure. On a machine without one this saves
 * every command the time to load a driver.
 */
export function showsGpu(platform: string = process.platform, exists = existsSync): boolean {
  return platform !== "linux" || signsOfGpus.some((path) => exists(path));
}

/**
 * Asks a backend in a process of its own, `mamba backends <name> --json`: what its driver prints there is not in the way
 * here, and when it crashes, that is an answer.
 */
export function probeApart(name: string, { program, signal }: Host): Promise<Availability> {
  const args = [program, "backends", name, "--json"];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { signal }, (error, stdout, stderr) => {
      if (signal.aborted) reject(signal.reason as Error);
      else if (error) {
        const how = error.signal ? `by ${error.signal}` : `with exit code ${error.code}`;
        const reason = `its driver could not be asked: a process that tried ended ${how}: ${stderr.trim()}`;
        resolve({ ok: false, code: "DRIVER", reason, remedy: "update the driver, or use --backend cpu" });
      } else {
        const [found] = JSON.parse(stdout) as [{ name: string } & Availability];
        const { name: _, ...availability } = found;
        resolve(availability);
      }
    });
  });
}
