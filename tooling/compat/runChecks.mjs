import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { renameScope } from "../release/rename.mjs";

/** The names of the checks in checks.mjs, in the order of the table. */
export const checkNames = [
  "import",
  "generate, one thread",
  "generate, two threads",
  "load safetensors",
  "train three steps",
  "CLI: generate",
  "CLI: backends",
];

/**
 * @typedef {{ ok: true, result: unknown, seconds: number } | { ok: false, reason: string }} Outcome
 */

/**
 * Writes the program of the checks into a project that has the packages.
 *
 * @param {string} project
 * @param {string} scope
 */
export function writeChecks(project, scope) {
  const program = readFileSync(join(import.meta.dirname, "checks.mjs"), "utf8");
  writeFileSync(join(project, "checks.mjs"), renameScope(program, scope));
}

/**
 * Runs one check in a runtime. Never rejects.
 *
 * @param {string} project
 * @param {import("./runtimes.mjs").Runtime} runtime
 * @param {string} name
 * @returns {Promise<Outcome>}
 */
export function runCheck(project, { program, start }, name) {
  const args = [...start, join(project, "checks.mjs"), name, ...start];
  const env = { ...process.env, NO_COLOR: "1", NODE_PATH: "", NODE_OPTIONS: "" };
  return new Promise((resolve) => {
    execFile(program, args, { cwd: project, env, timeout: 120_000 }, (error, stdout, stderr) => {
      if (error) {
        const how = error.signal ? `ended by ${error.signal}` : `exit code ${error.code}`;
        resolve({ ok: false, reason: firstError(stderr) ?? how });
        return;
      }
      try {
        resolve({ ok: true, ...JSON.parse(stdout) });
      } catch {
        resolve({ ok: false, reason: `it printed ${JSON.stringify(stdout.slice(0, 200))}` });
      }
    });
  });
}

/** The first line that names an error. @param {string} text */
function firstError(text) {
  const [, message] = /^.*?\b(?:[A-Z]\w*)?[Ee]rror\b:? ?(.+)$/m.exec(text) ?? [];
  return message?.trim();
}
