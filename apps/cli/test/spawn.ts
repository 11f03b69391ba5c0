import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, openSync } from "node:fs";
import { main } from "./run.ts";

/** The output of a process of the built program, and its end. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a process is watched. The functions may send signals or close the pipe. */
export interface Watch {
  /** Called with each chunk of stdout. */
  readonly onStdout?: (child: ChildProcess) => void;
  /** Called with each chunk of stderr. */
  readonly onStderr?: (child: ChildProcess) => void;
  /** A file in place of the pipe of stdout. */
  readonly stdout?: string;
}

/**
 * Runs the built program.
 *
 * @param env added to the environment
 */
export function mamba(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  { onStdout, onStderr, stdout }: Watch = {},
): Promise<Ended> {
  if (!existsSync(main)) throw new Error(`${main} is missing: build the package first (pnpm build)`);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...args], {
      stdio: ["ignore", stdout === undefined ? "pipe" : openSync(stdout, "w"), "pipe"],
      env: { ...process.env, ...env },
    });
    const written = { stdout: "", stderr: "" };
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      written.stdout += text;
      onStdout?.(child);
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      written.stderr += text;
      onStderr?.(child);
    });
    child.on("error", reject).on("close", (code, signal) => resolve({ code, signal, ...written }));
  });
}
