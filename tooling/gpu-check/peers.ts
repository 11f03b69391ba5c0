import { spawnSync } from "node:child_process";
import { scanName } from "@mamba/bench";
import { formatRate, formatSeconds } from "@mamba/display";
import { runProgram } from "./programs.ts";
import type { Emit, Row } from "./rows.ts";
import type { Sizes } from "./sizes.ts";

/**
 * PyTorch on the same tasks and the same GPU, beside our figures of this run: a copy and a matrix product, mamba.py's
 * parallel scan, and the fused scan of mamba_ssm if that is installed.
 *
 * @param ours returns the row of our own figure by its name
 */
export async function measurePeers(
  script: string,
  { scans, copy, matmul, effort }: Sizes,
  seconds: number,
  ours: (name: string) => Row | undefined,
  emit: Emit,
): Promise<void> {
  const python = findPython();
  if (typeof python !== "string") {
    const result = `no Python with a PyTorch that sees a GPU (tried ${python.tried.join(", ")}); set PYTHON to one`;
    emit({ name: "PyTorch, mamba_ssm", state: "not run", result });
    return;
  }
  const task = { scans: scans.map((scan) => ({ ...scan, name: scanName(scan) })), copy, matmul, ...effort };
  const program = { command: python, args: [script, JSON.stringify(task)], seconds };
  const { failure, output } = await runProgram(program, (row) => emit(beside(row, ours)));
  if (failure === undefined) return;
  emit({ name: "PyTorch, mamba_ssm", state: "failed", result: failure, details: output });
}

/** The row of a peer with our figure. The script names rows `<peer>: <our name>`. */
function beside(row: Row, ours: (name: string) => Row | undefined): Row {
  const theirs = row.figures?.["seconds"];
  if (theirs === undefined) return row;
  const mine = ours(row.name.slice(row.name.indexOf(": ") + 2))?.figures?.["seconds"];
  return {
    ...{ ...row, result: formatSeconds(theirs) },
    ...(mine !== undefined && { beside: `ours is ${formatRate(theirs / mine)} times as fast` }),
  };
}

function findPython(): string | { tried: string[] } {
  const given = process.env["PYTHON"];
  const tried = given ? [given] : ["python3", "python"];
  const check = "import sys, torch; sys.exit(0 if torch.cuda.is_available() else 1)";
  const found = tried.find((name) => spawnSync(name, ["-c", check], { timeout: 60_000 }).status === 0);
  return found ?? { tried };
}
