// Compiles cuda/ ahead of time to generated/kernels.fatbin (machine code for all `architectures`, PTX for later ones),
// kernels.ptx.gz (for the tests) and kernels.json (the parameters of each GPU kernel). The files are committed, so that a build
// without nvcc can use them.
//
//   node scripts/buildKernels.mjs [--force]    compiles everything, which takes minutes
//   node scripts/buildKernels.mjs --ptx        compiles only PTX, which the driver compiles at load time: enough to develop

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

/** Compute capabilities to compile machine code for. */
export const architectures = [75, 80, 86, 89, 90, 100, 120];
const virtual = 75;
/** GPU kernels that may spill registers; a spill in any other fails the build. */
const spills = new Set(/** @type {string[]} */ ([]));

const compiler = process.env["NVCC"] ?? "nvcc";
const here = fileURLToPath(new URL("..", import.meta.url));
const target = `${here}generated/`;
const scratch = `${here}build/`;
const outputs = ["kernels.fatbin", "kernels.ptx.gz", "kernels.json"];

/** Digest of the sources, equal on every machine. */
export function sourceDigest() {
  const hash = createHash("sha256");
  for (const name of readdirSync(`${here}cuda`).sort()) {
    hash.update(`${name}\0`).update(readFileSync(`${here}cuda/${name}`, "utf8").replaceAll("\r\n", "\n"));
  }
  return hash.digest("hex");
}

/**
 * Reads the table of generated/, if all files exist.
 *
 * @returns {{ digest: string, architectures: number[], kernels: Record<string, string> } | undefined}
 */
export function readTable() {
  if (!outputs.every((name) => existsSync(`${target}${name}`))) return undefined;
  return JSON.parse(readFileSync(`${target}kernels.json`, "utf8"));
}

/**
 * Checks that the compiled GPU kernels match the sources and have machine code for every architecture.
 *
 * @param {boolean} [ptxOnly] true when machine code is not needed
 * @returns {string | undefined} what is missing, or undefined
 */
export function lackOfKernels(ptxOnly = false) {
  const table = readTable();
  const wanted = ptxOnly ? [] : architectures;
  const missing = wanted.filter((arch) => !table?.architectures.includes(arch));
  if (missing.length > 0) return `have no code for ${missing.join(", ")}`;
  return table?.digest === sourceDigest() ? undefined : "are older than their sources";
}

/**
 * Returns the parameters of each GPU kernel as a string: p for a pointer, u for a word, f for a float, w and a number for a
 * struct of that many words.
 *
 * @param {string} ptx
 */
function signatures(ptx) {
  const kernels = [...ptx.matchAll(/\.entry\s+(\w+)\s*\(([^)]*)\)/g)].map(([, name = "", params = ""]) => {
    const kinds = params.split(",").map((param) => {
      const text = param.trim();
      if (text === "") return "";
      if (/^\.param\s+\.u64\b/.test(text)) return "p";
      if (/^\.param\s+\.u32\b/.test(text)) return "u";
      if (/^\.param\s+\.f32\b/.test(text)) return "f";
      const [, bytes] = /^\.param\s+\.align\s+4\s+\.b8\s+\w+\[(\d+)\]$/.exec(text) ?? [];
      if (bytes !== undefined && Number(bytes) % 4 === 0) return `w${Number(bytes) / 4}`;
      throw new Error(`GPU kernel ${name}: launches do not support the parameter ${text}`);
    });
    return [name, kinds.join("")];
  });
  return Object.fromEntries(kernels.sort());
}

/**
 * Fails when a GPU kernel spills registers: the accesses to memory cost more than the additional registers save.
 *
 * @param {string} log the output of ptxas
 */
function checkSpills(log) {
  const entries = log.split("Compiling entry function").slice(1);
  const found = entries.flatMap((entry) => {
    const [, name = "", arch] = /^ '(\w+)' for '(\w+)'/.exec(entry) ?? [];
    const bytes = [...entry.matchAll(/(\d+) bytes spill (?:stores|loads)/g)].map((match) => Number(match[1]));
    if (arch === undefined || bytes.length !== 2)
      throw new Error(`the output of ptxas has an unknown form: ${entry}`);
    return bytes.some((count) => count > 0) && !spills.has(name) ? [`${name} (${arch}, ${bytes} bytes)`] : [];
  });
  if (entries.length === 0) throw new Error("ptxas reported no GPU kernels");
  if (found.length > 0) throw new Error(`these GPU kernels spill registers: ${found.join(", ")}`);
}

/**
 * @param {readonly string[]} args
 * @returns {string} the output of the compiler
 */
function nvcc(args) {
  const { status, stdout, stderr, error } = spawnSync(compiler, args, { encoding: "utf8" });
  if (status !== 0) throw error ?? new Error(`nvcc failed:\n${stdout}${stderr}`);
  return stdout + stderr;
}

/** @param {readonly number[]} targets compute capabilities to compile machine code for */
function compile(targets) {
  for (const folder of [target, scratch]) mkdirSync(folder, { recursive: true });
  const [all, ptx, fatbin] = [`${scratch}all.cu`, `${scratch}kernels.ptx`, `${target}kernels.fatbin`];
  // One translation unit, so that nvcc starts once per architecture.
  const files = readdirSync(`${here}cuda`).filter((name) => name.endsWith(".cu"));
  const includes = files.sort().map((name) => `#include "${name}"\n`);
  writeFileSync(all, includes.join(""));
  const source = [all, "-std=c++17", "-O3", "--Werror=all-warnings", `-I${here}cuda`];
  nvcc([...source, "-ptx", `-arch=compute_${virtual}`, "-o", ptx]);
  const text = readFileSync(ptx, "utf8");
  writeFileSync(`${target}kernels.ptx.gz`, gzipSync(text, { level: 9 }));

  const later = `-gencode=arch=compute_${virtual},code=compute_${virtual}`;
  const binary = ["-fatbin", "--compress-mode=size", later, "-o", fatbin];
  if (targets.length === 0) {
    nvcc([ptx, ...binary]);
  } else {
    const code = targets.map((arch) => `-gencode=arch=compute_${arch},code=sm_${arch}`);
    checkSpills(nvcc([...source, ...binary, ...code, "--threads=0", "-Xptxas=-v"]));
  }
  const table = { digest: sourceDigest(), architectures: targets, kernels: signatures(text) };
  writeFileSync(`${target}kernels.json`, `${JSON.stringify(table, null, 2)}\n`);
}

/**
 * Brings generated/ up to date with cuda/, if nvcc is installed.
 *
 * @param {{ ptxOnly?: boolean, force?: boolean }} [options]
 * @returns {string} the outcome, to print
 */
export function buildKernels({ ptxOnly = false, force = false } = {}) {
  if (!force && lackOfKernels(ptxOnly) === undefined) return "up to date";
  if (spawnSync(compiler, ["--version"]).status === 0) {
    compile(ptxOnly ? [] : architectures);
    return "compiled";
  }
  if (readTable() !== undefined) return "older than cuda/, and there is no nvcc to compile them again";
  throw new Error("the compiled GPU kernels are missing, and there is no nvcc to compile them");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [ptxOnly, force] = [process.argv.includes("--ptx"), process.argv.includes("--force")];
  console.log(`GPU kernels: ${buildKernels({ ptxOnly, force })}`);
}
