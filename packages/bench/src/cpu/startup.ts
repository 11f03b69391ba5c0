import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spread, type Spread } from "../sample.ts";

/** Seconds from the start of `mamba generate` with the tiny model to its first token on stdout, and to its end. */
export interface Startup {
  readonly firstToken: Spread;
  readonly exit: Spread;
}

export async function measureStartup(program: string, signal: AbortSignal, runs: number): Promise<Startup> {
  const folder = await mkdtemp(join(tmpdir(), "mamba-bench-"));
  try {
    await run(program, ["init", "tiny", folder], signal);
    const args = ["generate", "--model", folder, "--prompt-ids=72", "--max-tokens=1"];
    const timings = [];
    for (let i = 0; i < runs; i++) timings.push(await run(program, args, signal));
    return {
      firstToken: spread(timings.map(({ firstByte }) => firstByte)),
      exit: spread(timings.map(({ exit }) => exit)),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function run(program: string, args: readonly string[], signal: AbortSignal) {
  return new Promise<{ firstByte: number; exit: number }>((resolve, reject) => {
    const start = performance.now();
    const since = () => (performance.now() - start) / 1000;
    let firstByte = NaN;
    const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "pipe"], signal });
    let errors = "";
    child.stdout.once("data", () => (firstByte = since())).resume();
    child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
    child.on("error", reject).on("close", (code) => {
      if (code === 0) resolve({ firstByte, exit: since() });
      else reject(new Error(`${args.join(" ")} ended with exit code ${code}: ${errors.trim()}`));
    });
  });
}
