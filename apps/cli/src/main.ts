#!/usr/bin/env node
import { fileURLToPath } from "node:url";
import { runCli } from "./cli.ts";
import { enableRelaxedSimd } from "./program/engine.ts";
import { exitCode, Stop } from "./program/errors.ts";

enableRelaxedSimd();

const controller = new AbortController();

// The first Ctrl-C lets the command end by itself. A second one finds no handler and ends the process at once.
process.once("SIGINT", () => controller.abort(new Stop("interrupted", exitCode.interrupted)));
process.once("SIGTERM", () => controller.abort(new Stop("terminated", exitCode.terminated)));

// A reader that closes the pipe, as `head` does, is not an error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  controller.abort(new Stop("the output was closed", exitCode.outputClosed));
});

process.exitCode = await runCli(process.argv.slice(2), {
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
