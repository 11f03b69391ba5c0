import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { main } from "./run.ts";

/** The output of a process of the built program, and its end. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs the built program.
 *
 * @param env added to the environment
 * @param watch called with each chunk of stdout; it may send signals or close the pipe
 */
export function mamba(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  watch?: (child: ReturnType<typeof spawn>, text: string) => void,
): Promise<Ended> {
  if (!existsSync(main)) throw new Error(`${main} is missing: build the package first (pnpm build)`);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    const written = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      written.stdout += text;
      watch?.(child, text);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => (written.stderr += text));
    child.on("error", reject).on("close", (code, signal) => resolve({ code, signal, ...written }));
  });
}
