import { execFileSync, spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { root } from "./workspace.mjs";

// `pnpm bench:torch`: training steps of this project and of PyTorch, in turns on the same machine. Each turn is a process of
// its own, so that idle threads of one do not slow the other. This project uses all threads. PyTorch runs with one and with
// all, and its better time counts: its threads wait for each other after every small operation, so when other work uses a
// core, two threads can be ten times slower than one.

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    sequential: { type: "boolean", default: false }, // also PyTorch with its sequential scan, once: minutes
  },
});
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1)
  throw new Error(`--rounds must be a whole number, got ${values.rounds}`);

/**
 * @typedef {{ name: string, threads: number, seconds: { median: number }, flops: number, ofCeiling: { median: number } }} Figure
 * @typedef {{ ceilings: { arithmetic: { allThreads: number }, read: { allThreads: number } }, figures: Figure[] }} Ours
 * @typedef {{ torch: string, threads: number, blas: string[], results: Record<string, { medianSeconds: number }> }} Theirs
 */

/** @returns {Ours} */
function ours() {
  const args = [`${root}apps/cli/dist/main.js`, "bench", "--quick", "--filter", "training", "--json"];
  return JSON.parse(
    execFileSync(process.execPath, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }),
  );
}

/**
 * @param {string} python
 * @param {number} threads
 * @param {string[]} options
 * @returns {Theirs}
 */
function theirs(python, threads, ...options) {
  const script = `${root}tooling/reference/bench_torch.py`;
  const args = [script, "--train", "--threads", String(threads), ...options];
  // By default PyTorch returns the memory of every freed tensor to the system, and waits for new memory.
  const malloc = { MALLOC_MMAP_THRESHOLD_: "4294967296", MALLOC_TRIM_THRESHOLD_: "4294967296" };
  const env = { ...process.env, ...malloc };
  return JSON.parse(
    execFileSync(python, args, { encoding: "utf8", env, stdio: ["ignore", "pipe", "inherit"] }),
  );
}

/** A Python with PyTorch: the one that `PYTHON` names, or the first of the usual ones. */
function findPython() {
  const given = process.env["PYTHON"];
  const names = given ? [given] : ["python3", "/usr/bin/python3"];
  const found = names.find((name) => spawnSync(name, ["-c", "import torch"]).status === 0);
  if (!found) {
    console.log(
      `PyTorch: NOT MEASURED. No Python with torch found (tried ${names.join(", ")}); set PYTHON to one.\n`,
    );
  }
  return found;
}

/** @param {number[]} numbers */
function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? NaN) + (sorted[Math.floor(middle)] ?? NaN)) / 2;
}

/**
 * @param {Theirs["results"]} results
 * @param {string} name
 */
function secondsOf(results, name) {
  const result = results[name];
  if (!result) throw new Error(`bench_torch.py has no case ${name}`);
  return result.medianSeconds;
}

const python = findPython();
const threadCounts = [...new Set([1, availableParallelism()])];
/** Measurements of each case; PyTorch's seconds are by its number of threads. @type {Map<string, { figures: Figure[], torch: number[][] }>} */
const cases = new Map();
/** @type {Ours[]} */
const reports = [];
/** @type {Theirs | undefined} */
let peer;
for (let round = 1; round <= rounds; round++) {
  console.error(`round ${round} of ${rounds}`);
  const mine = ours();
  reports.push(mine);
  const peers = python ? threadCounts.map((threads) => theirs(python, threads, "--runs", "2")) : [];
  peer = peers[0];
  const most = Math.max(...mine.figures.map(({ threads }) => threads));
  for (const figure of mine.figures.filter(({ threads }) => threads === most)) {
    const found = cases.get(figure.name) ?? { figures: [], torch: threadCounts.map(() => []) };
    found.figures.push(figure);
    peers.forEach(({ results }, i) => found.torch[i]?.push(secondsOf(results, figure.name)));
    cases.set(figure.name, found);
  }
}
const sequential = python && values.sequential ? theirs(python, 1, "--runs", "1", "--sequential") : undefined;

/** @param {(report: Ours) => number} figure */
const best = (figure) => (Math.max(...reports.map(figure)) / 1e9).toFixed(1);
console.log(
  `ceilings: ${best((report) => report.ceilings.arithmetic.allThreads)} GFLOP/s multiply-add, ` +
    `${best((report) => report.ceilings.read.allThreads)} GB/s streamed read, ${availableParallelism()} threads`,
);
if (peer) console.log(`PyTorch ${peer.torch}, ${peer.blas.join(", ")}`);
const ms = (/** @type {number} */ seconds) => `${(seconds * 1e3).toFixed(0)} ms`;
for (const [name, { figures, torch }] of cases) {
  const time = median(figures.map(({ seconds }) => seconds.median));
  const fraction = median(figures.map(({ ofCeiling }) => ofCeiling.median));
  const gflop = ((figures[0]?.flops ?? NaN) / 1e9).toFixed(1);
  console.log(`\n${name}: medians of ${rounds} rounds`);
  console.log(`  ours     ${ms(time)}, ${gflop} GFLOP, ${(fraction * 100).toFixed(0)} % of the ceiling`);
  const medians = torch.map(median);
  const least = Math.min(...medians);
  if (!peer) console.log("  PyTorch  not measured");
  medians.forEach((seconds, i) => {
    if (!peer) return;
    const counts = seconds === least ? `${(least / time).toFixed(2)} × ours` : "(its other time counts)";
    console.log(`  PyTorch  ${ms(seconds)} with ${threadCounts[i]} thread(s): ${counts}`);
  });
  const slow = sequential?.results[name]?.medianSeconds;
  if (slow)
    console.log(
      `  PyTorch  ${ms(slow)} with its sequential scan, ${(slow / time).toFixed(0)} × ours (one run, one thread)`,
    );
}
