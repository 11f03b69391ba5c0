#!/usr/bin/env node
import { fileURLToPath } from "node:url";
import { runCli } from "./cli.ts";
import { enableRelaxedSimd } from "./program/engine.ts";
import { exitCode, Stop } from "./program/errors.ts";

enableRelaxedSimd();

const controller = new AbortController();

// The first signal lets the command save its work and end by itself. A second one finds no handler and ends the process at once.
process.once("SIGINT", () => controller.abort(new Stop("interrupted", exitCode.interrupted)));
process.once("SIGTERM", () => controller.abort(new Stop("terminated", exitCode.terminated)));
process.once("SIGHUP", () => controller.abort(new Stop("the terminal was closed", exitCode.hungUp)));

// Output that cannot be written ends the command, which first saves its work. A reader that closes the pipe, as `head` does,
// is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  const stop =
    error.code === "EPIPE"
      ? new Stop("the output was closed", exitCode.outputClosed)
      : new Stop(`the output cannot be written: ${error.message}`, exitCode.failure);
  controller.abort(stop);
  process.exitCode = stop.exitCode; // when the command has already ended
});

// Notes and progress that nobody can read are no reason to stop.
process.stderr.on("error", () => undefined);

const code = await runCli(process.argv.slice(2), {
  program: fileURLToPath(import.meta.url),
  // A getter, because opening stdin takes time and few commands read it.
  get stdin() {
    return process.stdin;
  },
  stdout: process.stdout,
  stderr: process.stderr,
  signal: controller.signal,
  env: process.env,
});

// An output that failed after the last write of the command has set its own exit code.
process.exitCode ||= code;
