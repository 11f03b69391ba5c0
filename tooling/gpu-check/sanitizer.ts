import { spawnSync } from "node:child_process";
import { runProgram, type Program } from "./programs.ts";
import type { Emit, Row } from "./rows.ts";

/**
 * By what they find: accesses out of bounds; reads of memory that nothing wrote; shared memory that is written and read
 * without a barrier between; barriers that not all threads reach.
 */
const tools = ["memcheck", "initcheck", "racecheck", "synccheck"] as const;
const errorCode = "9";
/** For the tool's own start and end. */
const spareSeconds = 25;

/**
 * Runs part of the conformance suite once more under each of NVIDIA's checkers, in turns within `seconds`.
 *
 * @param watched the program that runs as much of the suite as fits into some seconds
 * @param standIn whether the device is none
 */
export async function sanitize(
  watched: (seconds: number) => { command: string; args: readonly string[] },
  seconds: number,
  standIn: boolean,
  emit: Emit,
): Promise<void> {
  const command = standIn ? undefined : find();
  if (command === undefined) {
    const result = standIn
      ? "it watches a GPU, and this is the stand-in, which watches memory and barriers itself"
      : "it is not on the PATH; it comes with the CUDA toolkit";
    emit({ name: "compute-sanitizer", state: "not run", result });
    return;
  }
  const end = performance.now() + seconds * 1000;
  for (const [i, tool] of tools.entries()) {
    const name = `compute-sanitizer ${tool}`;
    const share = (end - performance.now()) / 1000 / (tools.length - i);
    if (share < 2 * spareSeconds) {
      emit({ name, state: "not run", result: "no time is left" });
      continue;
    }
    const { command: node, args } = watched(share - spareSeconds);
    const options = ["--tool", tool, "--error-exitcode", errorCode, "--target-processes", "all"];
    const program: Program = { command, args: [...options, node, ...args], seconds: share + spareSeconds };
    let suite: Row | undefined;
    const { why, said } = await runProgram(program, (row) => {
      suite = row;
      emit({ ...row, name, state: "unfinished" });
    });
    emit({
      ...{ name, state: why === undefined && suite?.state === "ok" ? "ok" : "failed" },
      result: `${suite?.result ?? "no test ran"}; ${why ?? "no errors"}`,
      details: [...(suite?.details ?? []), ...(why === undefined ? [] : said)],
    });
  }
}

function find(): string | undefined {
  const folders = ["", "/usr/local/cuda/bin/"];
  const home = process.env["CUDA_HOME"];
  if (home) folders.push(`${home}/bin/`);
  const names = folders.map((folder) => `${folder}compute-sanitizer`);
  return names.find((name) => spawnSync(name, ["--version"]).status === 0);
}
