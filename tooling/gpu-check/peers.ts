import { spawnSync } from "node:child_process";
import { formatRate, formatSeconds } from "../../apps/cli/src/format.ts";
import { runProgram } from "./programs.ts";
import type { Emit, Row } from "./rows.ts";
import { nameOf } from "./scans.ts";
import type { Sizes } from "./sizes.ts";

/**
 * What PyTorch makes of the same tasks on the same GPU, beside our figures of this run: a copy and a product (of which ours
 * are the ceilings above), mamba.py's parallel scan, and the fused scan of mamba_ssm where that is installed.
 *
 * @param ours the row of our own figure by its name
 */
export async function measurePeers(
  script: string,
  { scans, copy, matmul, effort }: Sizes,
  seconds: number,
  ours: (name: string) => Row | undefined,
  emit: Emit,
): Promise<void> {
  const python = find();
  if (typeof python !== "string") {
    const result = `no Python with a PyTorch that sees a GPU (tried ${python.tried.join(", ")}); set PYTHON to one`;
    emit({ name: "PyTorch, mamba_ssm", state: "not run", result });
    return;
  }
  const task = { scans: scans.map((scan) => ({ ...scan, name: nameOf(scan) })), copy, matmul, ...effort };
  const program = { command: python, args: [script, JSON.stringify(task)], seconds };
  const { why, said } = await runProgram(program, (row) => emit(beside(row, ours)));
  if (why !== undefined) emit({ name: "PyTorch, mamba_ssm", state: "failed", result: why, details: said });
}

/** The script names rows `<peer>: <our name>`. */
function beside(row: Row, ours: (name: string) => Row | undefined): Row {
  const theirs = row.figures?.["seconds"];
  if (theirs === undefined) return row;
  const mine = ours(row.name.slice(row.name.indexOf(": ") + 2))?.figures?.["seconds"];
  return {
    ...{ ...row, result: formatSeconds(theirs) },
    ...(mine !== undefined && { beside: `ours is ${formatRate(theirs / mine)} times as fast` }),
  };
}

function find(): string | { tried: string[] } {
  const given = process.env["PYTHON"];
  const tried = given ? [given] : ["python3", "python"];
  const check = "import sys, torch; sys.exit(0 if torch.cuda.is_available() else 1)";
  const found = tried.find((name) => spawnSync(name, ["-c", check], { timeout: 60_000 }).status === 0);
  return found ?? { tried };
}
