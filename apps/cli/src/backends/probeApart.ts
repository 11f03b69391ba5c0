import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import type { Availability } from "@mamba/kernel";
import type { Host } from "../program/host.ts";

/**
 * Files that Linux has when there is a GPU: with an open driver; with NVIDIA's driver, which makes its device files when it
 * is first used; and under Windows (WSL).
 */
export const signsOfGpus = [
  "/dev/dri/renderD128",
  "/dev/nvidiactl",
  "/dev/nvidia0",
  "/proc/driver/nvidia/version",
  "/dev/dxg",
] as const;

/**
 * True when there may be a GPU. Only Linux can rule it out; other machines almost always have one. On a machine without a
 * GPU this saves every command the time to load a driver.
 */
export function showsGpu(platform: string = process.platform, exists = existsSync): boolean {
  return platform !== "linux" || signsOfGpus.some((path) => exists(path));
}

/**
 * Probes a backend in a process of its own, `mamba backends <name> --json`. Its driver cannot write to this process's
 * streams, and a crash becomes the reason why the backend is unavailable.
 */
export function probeApart(name: string, { program, signal }: Host): Promise<Availability> {
  const args = [program, "backends", name, "--json"];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { signal }, (error, stdout, stderr) => {
      if (signal.aborted) reject(signal.reason as Error);
      else if (error) {
        const how = error.signal ? `by ${error.signal}` : `with exit code ${error.code}`;
        const reason = `its driver cannot be probed: the process that tried ended ${how}: ${stderr.trim()}`;
        resolve({ ok: false, code: "DRIVER", reason, remedy: "update the driver, or use --backend cpu" });
      } else {
        const [found] = JSON.parse(stdout) as [{ name: string } & Availability];
        const { name: _, ...availability } = found;
        resolve(availability);
      }
    });
  });
}
