import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { decodeRow, type Emit } from "./rows.ts";

/** A program that emits rows. */
export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** It is ended after so long. */
  readonly seconds: number;
}

/** How a program ended. */
export interface Ended {
  /** Undefined when it ended well. */
  readonly why: string | undefined;
  /** The last lines that it printed, rows left out. */
  readonly said: readonly string[];
}

const running = new Set<ChildProcess>();
let ending = false;
/** Of what a program says: as many as the table shows. */
const keptLines = 20;

/** Runs a program and takes the rows that it prints. After `endPrograms` nothing is started, and nothing comes of it. */
export function runProgram({ command, args, env = {}, seconds }: Program, emit: Emit): Promise<Ended> {
  return new Promise((resolve) => {
    if (ending) return;
    const child = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
      detached: true, // a group, which ends as a whole
    });
    running.add(child);
    const said: string[] = [];
    const hear = (line: string) => {
      const row = decodeRow(line);
      if (row) emit(row);
      else if (line.trim() !== "") said.push(line);
      if (said.length > keptLines) said.shift();
    };
    createInterface(child.stdout).on("line", hear);
    createInterface(child.stderr).on("line", hear);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      end(child);
    }, seconds * 1000);
    const done = (why: string | undefined) => {
      clearTimeout(timer);
      running.delete(child);
      resolve({ why, said });
    };
    child.on("error", (error) => done(error.message));
    child.on("close", (code, signal) => {
      if (late) done(`not done after ${Number(seconds.toFixed(1))} s`);
      else if (signal) done(`ended by ${signal}`);
      else done(code === 0 ? undefined : `ended with code ${code}`);
    });
  });
}

/** Ends all programs that run: this process is about to end. */
export function endPrograms(): void {
  ending = true;
  for (const child of running) end(child);
}

function end({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has just ended.
  }
}
