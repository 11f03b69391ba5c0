import { spawnSync } from "node:child_process";
import { runProgram, type Program } from "./programs.ts";
import type { Emit, Row } from "./rows.ts";

/**
 * NVIDIA's checkers. They find accesses out of bounds; reads of memory that was never written; shared memory that is written
 * and read without a barrier in between; barriers that not all threads reach.
 */
const tools = ["memcheck", "initcheck", "racecheck", "synccheck"] as const;
const errorCode = "9";
/** Time for the tool's own start and end. */
const spareSeconds = 25;

/**
 * Runs as much of the conformance suite under each checker as fits into `seconds`.
 *
 * @param watched the program that runs the suite for a number of seconds
 * @param standIn true when the device is the stand-in
 */
export async function sanitize(
  watched: (seconds: number) => { command: string; args: readonly string[] },
  seconds: number,
  standIn: boolean,
  emit: Emit,
): Promise<void> {
  const command = standIn ? undefined : findSanitizer();
  if (command === undefined) {
    const result = standIn
      ? "it watches a GPU, but this is the stand-in, which watches memory and barriers itself"
      : "it is not on the PATH; it comes with the CUDA toolkit";
    emit({ name: "compute-sanitizer", state: "not run", result });
    return;
  }
  const end = performance.now() + seconds * 1000;
  for (const [i, tool] of tools.entries()) {
    const name = `compute-sanitizer ${tool}`;
    const limit = (end - performance.now()) / 1000 / (tools.length - i);
    if (limit < 2 * spareSeconds) {
      emit({ name, state: "not run", result: "no time is left" });
      continue;
    }
    const { command: node, args } = watched(limit - spareSeconds);
    const options = ["--tool", tool, "--error-exitcode", errorCode, "--target-processes", "all"];
    const program: Program = { command, args: [...options, node, ...args], seconds: limit + spareSeconds };
    let suite: Row | undefined;
    const { failure, output } = await runProgram(program, (row) => {
      suite = row;
      emit({ ...row, name, state: "unfinished" });
    });
    emit({
      ...{ name, state: failure === undefined && suite?.state === "ok" ? "ok" : "failed" },
      result: `${suite?.result ?? "no test ran"}; ${failure ?? "no errors"}`,
      details: [...(suite?.details ?? []), ...(failure === undefined ? [] : output)],
    });
  }
}

function findSanitizer(): string | undefined {
  const folders = ["", "/usr/local/cuda/bin/"];
  const home = process.env["CUDA_HOME"];
  if (home) folders.push(`${home}/bin/`);
  const names = folders.map((folder) => `${folder}compute-sanitizer`);
  return names.find((name) => spawnSync(name, ["--version"]).status === 0);
}
