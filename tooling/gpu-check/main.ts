import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { provider } from "@mamba/kernel-cuda";
import { deviceParts, isDevicePart } from "./deviceParts.ts";
import { partNames } from "./parts.ts";
import { endPrograms } from "./programs.ts";
import { plainTable, Report } from "./report.ts";
import { encodeRow, type Row } from "./rows.ts";
import { runParts } from "./runParts.ts";
import { fullSizes, smallSizes } from "./sizes.ts";

// Checks and measures the CUDA backend and then the WebGPU backend on this machine's GPU. Prints one table, and updates gpu-check.json and gpu-check.md
// while it runs. Exit codes: 1 when a part failed, 2 when nothing could run.

const { values } = parseArgs({
  options: {
    only: { type: "string", default: partNames.join(",") },
    filter: { type: "string", default: "" }, // only tests of the suite whose name contains this text
    small: { type: "boolean", default: false }, // for the stand-in
    out: { type: "string", default: "." }, // the folder of the result files
    // Runs this part in this process and prints its rows. The options below are for such a process.
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
  if (!isDevicePart(name)) refuse(`there is no part ${JSON.stringify(name)}`);
  const { filter, seconds, copy, matmul } = values;
  const ceilings = copy && matmul ? { copy: Number(copy), matmul: Number(matmul) } : undefined;
  const emit = (row: Row) => process.stdout.write(encodeRow(row));
  // Exits explicitly, because a device that hangs would keep the process alive.
  try {
    const options = { filter, sizes, ceilings, seconds: Number(seconds), allowSoftware: values.small };
    await deviceParts[name](options, emit);
    process.exit(0);
  } catch (error) {
    console.error(error instanceof Error ? error.stack : error);
    process.exit(1);
  }
}

async function check(): Promise<void> {
  const { filter, small, out } = values;
  const only = values.only.split(",");
  const known: readonly string[] = partNames;
  const unknown = only.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    refuse(`--only takes ${partNames.join(", ")}, separated by commas; got ${JSON.stringify(unknown)}`);
  }
  const availability = await provider.probe();
  if (!availability.ok) {
    refuse(`no GPU to check (${availability.code}): ${availability.reason}. Remedy: ${availability.remedy}`);
  }
  const { device, software: standIn = false } = availability;
  if (standIn && !small) {
    refuse(
      `${device}: it runs kernels on the CPU, which is too slow for the sizes of a GPU. Remedy: --small`,
    );
  }
  mkdirSync(out, { recursive: true });
  const report = new Report(out);
  describeRun(report, device);
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      report.add({ name: "the run", state: "failed", result: `ended by ${signal}` });
      void finish(report);
    });
  }
  await runParts({ script, only, filter, small, sizes, device, standIn }, report);
  await finish(report);
}

function describeRun(report: Report, device: string): void {
  const add = (name: string, result: string) => report.add({ name, state: "ok", result });
  if (values.small) add("sizes", "SMALL: every part is tried; no figure below says anything about speed");
  if (values.filter) add("filter", `only tests whose name contains ${JSON.stringify(values.filter)}`);
  add("date", new Date().toISOString());
  add("device", device);
  add("kernels", describeKernels());
  add("node", process.version);
}

/** The machine code in the packed addon. */
function describeKernels(): string {
  const text = readFileSync(join(dirname(script), "kernels.json"), "utf8");
  const { architectures } = JSON.parse(text) as { readonly architectures: readonly number[] };
  const codes = architectures.map((code) => (code / 10).toFixed(1));
  return codes.length > 0 ? `machine code for compute ${codes.join(", ")}` : "PTX only, no machine code";
}

async function finish(report: Report): Promise<never> {
  endPrograms();
  await report.saved();
  console.log(plainTable(report.rows));
  process.exit(report.good ? 0 : 1);
}

function refuse(reason: string): never {
  console.error(reason);
  process.exit(2);
}
