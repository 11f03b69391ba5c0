import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { buildPtx } from "../build.mjs";

const source = fileURLToPath(new URL("run.cc", import.meta.url));
const folder = fileURLToPath(new URL("../../build/ptx-tests/", import.meta.url));

export const header = ".version 9.0\n.target sm_75\n.address_size 64\n";

export interface Job {
  readonly kernel: string;
  readonly threads: number;
  readonly input: readonly bigint[];
  /** How many words of 64 bits the kernel writes. */
  readonly results: number;
}

/** A stand-in with the kernels of a PTX text, and what runs them. */
export async function standIn(name: string, ptx: string): Promise<(jobs: readonly Job[]) => Outcome> {
  mkdirSync(folder, { recursive: true });
  const library = await buildPtx({ name: `ptx-tests/${name}`, file: `${name}.ptx`, text: header + ptx });
  const program = `${folder}${name}/run`;
  execFileSync(process.env["CXX"] ?? "g++", ["-std=c++17", "-O1", source, "-ldl", "-o", program]);
  return (jobs) => {
    const lines = jobs.map(({ kernel, threads, results, input }) =>
      [kernel, threads, results, ...input.map((word) => word.toString(16))].join(" "),
    );
    const { status, stdout, stderr } = spawnSync(program, [library], {
      input: lines.join("\n") + "\n",
      encoding: "utf8",
      maxBuffer: 1 << 28,
    });
    const outputs = stdout.trim() === "" ? [] : stdout.trim().split("\n");
    return { succeeded: status === 0, report: stderr, outputs: outputs.map(words) };
  };
}

export interface Outcome {
  readonly succeeded: boolean;
  /** The stand-in's report of a fault. */
  readonly report: string;
  /** The results of each job that ended. */
  readonly outputs: readonly (readonly bigint[])[];
}

const words = (line: string) =>
  line
    .trim()
    .split(" ")
    .map((word) => BigInt(`0x${word}`));
