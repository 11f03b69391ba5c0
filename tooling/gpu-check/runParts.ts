import { dirname, join } from "node:path";
import type { DevicePartName } from "./deviceParts.ts";
import { allSeconds, type PartName, partNames, partSeconds } from "./parts.ts";
import { measurePeers } from "./peers.ts";
import { runProgram } from "./programs.ts";
import type { Report } from "./report.ts";
import { sanitize } from "./sanitizer.ts";
import type { Sizes } from "./sizes.ts";
import { findVulkan } from "./vulkan.ts";

/** One run of the check. */
export interface CheckOptions {
  /** This program, which runs parts of its own in processes. */
  readonly script: string;
  readonly only: readonly string[];
  /** Only tests of the suite whose name contains this text. */
  readonly filter: string;
  /** True for the sizes of the stand-in. */
  readonly small: boolean;
  readonly sizes: Sizes;
  readonly device: string;
  readonly standIn: boolean;
}

/** Runs the parts in order, each within its time and the time of all. */
export async function runParts(options: CheckOptions, report: Report): Promise<void> {
  const end = performance.now() + allSeconds * 1000;
  for (const part of partNames.filter((name) => options.only.includes(name))) {
    process.stderr.write(`${part}\n`);
    const seconds = Math.min(partSeconds[part], (end - performance.now()) / 1000);
    if (seconds > 1) await runPart(part, seconds, options, report);
    else report.add({ name: part, state: "not run", result: "no time is left" });
  }
}

async function runPart(
  part: PartName,
  seconds: number,
  options: CheckOptions,
  report: Report,
): Promise<void> {
  const { script, sizes, standIn } = options;
  const emit = report.add.bind(report);
  if (part === "sanitizer") {
    const watched = (limit: number) => devicePart("watched", ["--seconds", String(limit)], options);
    await sanitize(watched, seconds, standIn, emit);
    return;
  }
  if (part === "peers") {
    const torch = join(dirname(script), "scan_torch.py");
    await measurePeers(torch, sizes, seconds, (name) => report.row(name), emit);
    return;
  }
  const onWebGpu = part.startsWith("webgpu");
  if (onWebGpu && part !== "webgpu" && report.row("WebGPU: device")?.state !== "ok") {
    emit({ name: part, state: "not run", result: "there is no WebGPU device to run it on" });
    return;
  }
  if (part === "products" && !options.device.includes("cuBLAS")) {
    emit({ name: part, state: "not run", result: "there is no cuBLAS here: all products above are our own" });
    return;
  }
  const ofWebGpu = part === "webgpu-scans" || part === "webgpu-models";
  const ceilings = ceilingArgs(ofWebGpu ? "WebGPU: " : "", report);
  if (/scans|ops|models/.test(part) && ceilings.length === 0) {
    emit({ name: part, state: "not run", result: "its ceilings were not measured" });
    return;
  }
  // The suite of WebGPU gets the time that is left of its own, and then runs as many tests as fit.
  const limit = part === "webgpu-conformance" ? ["--seconds", String(seconds - closingSeconds)] : [];
  const program = devicePart(part, [...ceilings, ...limit], options);
  let env: Readonly<Record<string, string>> = {};
  if (part === "products") env = { MAMBA_CUDA_BLAS: "/nonexistent" }; // a library that does not exist hides cuBLAS
  if (onWebGpu) {
    const vulkan = findVulkan(dirname(dirname(script)));
    if (part === "webgpu") emit({ name: "WebGPU: Vulkan", state: "ok", result: vulkan.found });
    env = vulkan.env;
  }
  const { failure, output } = await runProgram({ ...program, env, seconds }, emit);
  if (failure === undefined) return;
  emit({ name: `part ${part}`, state: "failed", result: failure, details: output });
}

/** Seconds for the start and the last test of a suite with a time limit. */
const closingSeconds = 10;

/** The measured limits of a backend as options of a part; none before they are measured. */
function ceilingArgs(prefix: string, report: Report): string[] {
  const [copy, matmul] = ["copy", "matmul f32"].map((name) => report.row(prefix + name)?.figures?.["rate"]);
  return copy && matmul ? ["--copy", String(copy), "--matmul", String(matmul)] : [];
}

/** The program that runs one part of `deviceParts`. */
function devicePart(
  name: DevicePartName,
  args: readonly string[],
  { script, filter, small }: CheckOptions,
): { command: string; args: string[] } {
  return {
    command: process.execPath,
    args: [script, "--child", name, "--filter", filter, ...(small ? ["--small"] : []), ...args],
  };
}
