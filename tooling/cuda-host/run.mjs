import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";

/**
 * Runs a command and rejects when it fails.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {string} input
 * @param {boolean} [quiet] hides stderr when the command succeeds: linking against a sanitizer warns about the sanitizer
 * @returns {Promise<string>} its stdout
 */
export function run(command, args, input, quiet = false) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
    /** @type {Buffer[]} */
    const output = [];
    /** @type {Buffer[]} */
    const errors = [];
    child.stdout.on("data", (chunk) => output.push(chunk));
    child.stderr.on("data", (chunk) => errors.push(chunk));
    child.on("error", reject);
    child.on("close", (code) => {
      const messages = Buffer.concat(errors).toString();
      if (code !== 0) reject(new Error(`${command} failed (${code}): ${messages}`));
      else {
        if (messages !== "" && !quiet) process.stderr.write(messages);
        resolve(Buffer.concat(output).toString());
      }
    });
    child.stdin.end(input);
  });
}

/**
 * Runs jobs in parallel, one per processor at a time.
 *
 * @template T
 * @param {readonly (() => Promise<T>)[]} jobs
 */
export async function all(jobs) {
  /** @type {T[]} */
  const results = [];
  let next = 0;
  const worker = async () => {
    for (;;) {
      const index = next++;
      const job = jobs[index];
      if (job === undefined) return;
      results[index] = await job();
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return results;
}
