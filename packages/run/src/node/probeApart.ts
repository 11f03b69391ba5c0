import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import type { Availability } from "@mamba/kernel";
import { programPath } from "./programPath.ts";

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
 * GPU this saves every program the time to load a driver.
 */
export function showsGpu(platform: string = process.platform, exists = existsSync): boolean {
  return platform !== "linux" || signsOfGpus.some((path) => exists(path));
}

/**
 * Probes the WebGPU backend in a process of its own, since it loads a driver. The driver cannot write to this process's
 * streams, and a crash becomes the reason why the backend is unavailable.
 */
export function probeApart(signal?: AbortSignal, program = programPath("probeChild")): Promise<Availability> {
  // Electron's executable runs scripts only with ELECTRON_RUN_AS_NODE. NODE_OPTIONS is meant for this process, not for the child.
  const env = { ...process.env, ELECTRON_RUN_AS_NODE: "1", NODE_OPTIONS: "" };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [program], { env, ...(signal && { signal }) }, (error, stdout, stderr) => {
      if (signal?.aborted) reject(signal.reason as Error);
      else if (error) {
        const how = error.signal ? `by ${error.signal}` : `with exit code ${error.code}`;
        const reason = `its driver cannot be probed: the process that tried ended ${how}: ${stderr.trim()}`;
        resolve({ ok: false, code: "DRIVER", reason, remedy: "update the driver, or use the backend cpu" });
      } else resolve(JSON.parse(stdout) as Availability);
    });
  });
}
