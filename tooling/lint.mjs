import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { root } from "./workspace.mjs";

// Runs ESLint over everything, in chunks: it keeps the types of all packages that it has seen, and one run over all of them needs more
// memory than Node gives a process. Two chunks run at a time. Further arguments are passed on.

const packages = readdirSync(`${root}packages`).map((name) => `packages/${name}`);
const isKernel = (/** @type {string} */ path) => path.startsWith("packages/kernel");
const kernels = packages.filter(isKernel);
const others = packages.filter((path) => !isKernel(path));
const half = Math.ceil(others.length / 2);
const chunks = [kernels, others.slice(0, half), others.slice(half), [".", "--ignore-pattern", "packages/"]];

const location = "--cache-location=";
const arguments_ = process.argv.slice(2);
const bin = `${root}node_modules/eslint/bin/eslint.js`;

/**
 * @param {readonly string[]} chunk
 * @param {number} number
 * @returns {Promise<boolean>} true when ESLint found nothing
 */
function lint(chunk, number) {
  // Runs at the same time cannot share a file of their cache.
  const further = arguments_.map((argument) =>
    argument.startsWith(location) ? `${argument}-${number}` : argument,
  );
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [bin, ...chunk, ...further], { cwd: root, stdio: "inherit" });
    child.on("error", (error) => {
      console.error(`ESLint could not be started: ${error.message}`);
      resolve(false);
    });
    child.on("close", (code) => {
      resolve(code === 0);
    });
  });
}

const waiting = [...chunks.entries()];
/** @type {boolean[]} */
const passed = [];
async function worker() {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const [number, chunk] = next;
    passed.push(await lint(chunk, number));
  }
}
await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, worker));
process.exit(passed.every(Boolean) ? 0 : 1);
