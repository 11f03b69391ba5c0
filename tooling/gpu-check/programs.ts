import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { decodeRow, type Emit } from "./rows.ts";

/** A program that emits rows. */
export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Time limit, after which it is killed. */
  readonly seconds: number;
}

/** The end of a program. */
export interface Ended {
  /** Undefined after exit code 0. */
  readonly failure: string | undefined;
  /** The last lines that it printed, without its rows. */
  readonly output: readonly string[];
}

const running = new Set<ChildProcess>();
let ending = false;
/** Lines of a program's output that are kept; the table shows as many. */
const keptLines = 20;

/** Runs a program and emits the rows that it prints. After `endPrograms` it starts nothing and never resolves. */
export function runProgram({ command, args, env = {}, seconds }: Program, emit: Emit): Promise<Ended> {
  return new Promise((resolve) => {
    if (ending) return;
    const child = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
      detached: true, // a process group, which can be killed as a whole
    });
    running.add(child);
    const output: string[] = [];
    const onLine = (line: string) => {
      const row = decodeRow(line);
      if (row) emit(row);
      else if (line.trim() !== "") output.push(line);
      if (output.length > keptLines) output.shift();
    };
    createInterface(child.stdout).on("line", onLine);
    createInterface(child.stderr).on("line", onLine);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      end(child);
    }, seconds * 1000);
    const done = (failure: string | undefined) => {
      clearTimeout(timer);
      running.delete(child);
      resolve({ failure, output });
    };
    child.on("error", (error) => done(error.message));
    child.on("close", (code, signal) => {
      if (late) done(`not done after ${Number(seconds.toFixed(1))} s`);
      else if (signal) done(`ended by ${signal}`);
      else done(code === 0 ? undefined : `ended with code ${code}`);
    });
  });
}

/** Kills all running programs, before this process ends. */
export function endPrograms(): void {
  ending = true;
  for (const child of running) end(child);
}

function end({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has already ended.
  }
}
