import { dirname, join } from "node:path";
import type { DevicePartName } from "./deviceParts.ts";
import { allSeconds, type PartName, partNames, partSeconds } from "./parts.ts";
import { measurePeers } from "./peers.ts";
import { runProgram } from "./programs.ts";
import type { Report } from "./report.ts";
import { sanitize } from "./sanitizer.ts";
import type { Sizes } from "./sizes.ts";

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
  const [copy, matmul] = ["copy", "matmul f32"].map((name) => report.row(name)?.figures?.["rate"] ?? 0);
  const needsCeilings = part === "scans" || part === "models";
  if (needsCeilings && !(copy && matmul)) {
    emit({ name: part, state: "not run", result: "its ceilings were not measured" });
    return;
  }
  if (part === "products" && !options.device.includes("cuBLAS")) {
    emit({ name: part, state: "not run", result: "there is no cuBLAS here: all products above are our own" });
    return;
  }
  const program = devicePart(part, ["--copy", String(copy), "--matmul", String(matmul)], options);
  // A library that does not exist hides cuBLAS.
  const env = part === "products" ? { MAMBA_CUDA_BLAS: "/nonexistent" } : {};
  const { failure, output } = await runProgram({ ...program, env, seconds }, emit);
  if (failure === undefined) return;
  emit({ name: `part ${part}`, state: "failed", result: failure, details: output });
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
