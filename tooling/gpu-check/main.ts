import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { provider } from "@mamba/kernel-cuda";
import kernels from "../../packages/kernel-cuda/generated/kernels.json" with { type: "json" };
import { type ChildName, childParts, isChildName } from "./child-parts.ts";
import { measurePeers } from "./peers.ts";
import { endPrograms, runProgram } from "./programs.ts";
import { plainTable, Report } from "./report.ts";
import { encodeRow, type Row } from "./rows.ts";
import { sanitize } from "./sanitizer.ts";
import { fullSizes, smallSizes } from "./sizes.ts";

// Checks and measures the CUDA backend on this machine's GPU. Prints one table, and keeps gpu-check.json and gpu-check.md
// up to date on the way. Exit codes: 1 when a part failed, 2 when nothing could run.

/**
 * In order of importance, with the most seconds that each may take. By what is read, written and computed, about
 * 30 + 5 + 5 + 60 + 90 + 10 + 90 are expected on an H200; the sanitizer takes what is left.
 */
const parts = {
  ...{ conformance: 180, training: 40, ceilings: 30, scans: 120, models: 150 },
  ...{ products: 40, peers: 150, sanitizer: 300 },
};
type Part = keyof typeof parts;
const partNames = Object.keys(parts) as Part[];

/** For a run that is ended after ten minutes. */
const allSeconds = 540;

const { values } = parseArgs({
  options: {
    only: { type: "string", default: partNames.join(",") },
    filter: { type: "string", default: "" }, // of the suite, tests with this in their names
    small: { type: "boolean", default: false }, // for the stand-in
    out: { type: "string", default: "." }, // the folder of the result files
    // Runs that part in this process and prints its rows; the others are for this one.
    child: { type: "string" },
    seconds: { type: "string", default: "0" },
    copy: { type: "string", default: "" },
    matmul: { type: "string", default: "" },
  },
});
const script = fileURLToPath(import.meta.url);
const sizes = values.small ? smallSizes : fullSizes;

if (values.child === undefined) await check();
else await runChild(values.child);

async function runChild(name: string): Promise<never> {
  if (!isChildName(name)) refuse(`there is no part ${JSON.stringify(name)}`);
  const { filter, seconds, copy, matmul } = values;
  const ceilings = { copy: Number(copy), matmul: Number(matmul) };
  const emit = (row: Row) => process.stdout.write(encodeRow(row));
  // A device that hangs must not keep the process: it ends itself.
  try {
    await childParts[name]({ filter, sizes, ceilings, seconds: Number(seconds) }, emit);
    process.exit(0);
  } catch (error) {
    console.error(error instanceof Error ? error.stack : error);
    process.exit(1);
  }
}

async function check(): Promise<void> {
  const wanted = values.only.split(",");
  const unknown = wanted.find((name) => !Object.hasOwn(parts, name));
  if (unknown !== undefined) {
    refuse(`--only takes ${partNames.join(", ")}, separated by commas; got ${JSON.stringify(unknown)}`);
  }
  const availability = await provider.probe();
  if (!availability.ok) {
    refuse(`no GPU to check (${availability.code}): ${availability.reason}. Remedy: ${availability.remedy}`);
  }
  const { device, software: standIn = false } = availability;
  if (standIn && !values.small) {
    refuse(`${device}: there kernels run on the CPU, where only small sizes are feasible. Remedy: --small`);
  }
  mkdirSync(values.out, { recursive: true });
  const report = new Report(values.out);
  describe(report, device);
  const end = performance.now() + allSeconds * 1000;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      report.add({ name: "the run", state: "failed", result: `ended by ${signal}` });
      void finish(report);
    });
  }
  for (const part of partNames.filter((name) => wanted.includes(name))) {
    process.stderr.write(`${part}\n`);
    const seconds = Math.min(parts[part], (end - performance.now()) / 1000);
    if (seconds > 1) await runPart(part, seconds, { device, standIn }, report);
    else report.add({ name: part, state: "not run", result: "no time is left" });
  }
  await finish(report);
}

async function runPart(
  part: Part,
  seconds: number,
  { device, standIn }: { readonly device: string; readonly standIn: boolean },
  report: Report,
): Promise<void> {
  const emit = report.add.bind(report);
  if (part === "sanitizer") {
    await sanitize((limit) => child("watched", ["--seconds", String(limit)]), seconds, standIn, emit);
    return;
  }
  if (part === "peers") {
    const torch = join(dirname(script), "scan_torch.py");
    await measurePeers(torch, sizes, seconds, (name) => report.row(name), emit);
    return;
  }
  const [copy, matmul] = ["copy", "matmul f32"].map((name) => report.row(name)?.figures?.["rate"] ?? 0);
  const measures = part === "scans" || part === "models";
  if (measures && !(copy && matmul)) {
    report.add({ name: part, state: "not run", result: "its ceilings were not measured" });
    return;
  }
  if (part === "products" && !device.includes("cuBLAS")) {
    const result = "there is no cuBLAS here: all products above are our own";
    report.add({ name: part, state: "not run", result });
    return;
  }
  const args = ["--copy", String(copy), "--matmul", String(matmul)];
  // A library that does not exist is as if there were none.
  const env = part === "products" ? { MAMBA_CUDA_BLAS: "/nonexistent" } : {};
  const { why, said } = await runProgram({ ...child(part, args), env, seconds }, emit);
  if (why !== undefined) report.add({ name: `part ${part}`, state: "failed", result: why, details: said });
}

function child(name: ChildName, args: readonly string[]): { command: string; args: string[] } {
  const small = values.small ? ["--small"] : [];
  return {
    command: process.execPath,
    args: [script, "--child", name, "--filter", values.filter, ...small, ...args],
  };
}

function describe(report: Report, device: string): void {
  const say = (name: string, result: string) => report.add({ name, state: "ok", result });
  if (values.small) say("sizes", "SMALL: every part is tried out; no figure below says anything about speed");
  if (values.filter)
    say("filter", `of the suite, tests with ${JSON.stringify(values.filter)} in their names`);
  say("date", new Date().toISOString());
  say("device", device);
  const codes = kernels.architectures.map((code: number) => (code / 10).toFixed(1));
  say(
    "kernels",
    codes.length > 0 ? `machine code for compute ${codes.join(", ")}` : "PTX only, no machine code",
  );
  say("node", process.version);
}

async function finish(report: Report): Promise<never> {
  endPrograms();
  await report.saved();
  console.log(plainTable(report.rows));
  process.exit(report.good ? 0 : 1);
}

function refuse(why: string): never {
  console.error(why);
  process.exit(2);
}
