import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { all, run } from "./run.mjs";
import { transform } from "./transform.mjs";

// Builds stand-ins for the driver library: a libcuda.so.1 per folder under build/, which also contains the cuBLAS function.
//
//   node tooling/cuda-host/build.mjs [--sanitize]     builds the one that executes the sources of packages/kernel-cuda

const here = fileURLToPath(new URL(".", import.meta.url));
export const cudaFolder = fileURLToPath(new URL("../../packages/kernel-cuda/cuda/", import.meta.url));
const buildFolder = `${here}build/`;
const compiler = process.env["CXX"] ?? "g++";

/** The reason that no stand-in can be built here, or undefined. */
export function missingCompiler() {
  if (process.platform !== "linux") return `the stand-in needs Linux, this is ${process.platform}`;
  try {
    execFileSync(compiler, ["--version"], { stdio: "ignore" });
    return undefined;
  } catch {
    return `there is no C++ compiler ${compiler}. Install g++, or set CXX`;
  }
}

/** Path of AddressSanitizer's runtime, which must be preloaded by a process that loads a sanitized library. */
export function sanitizerRuntime() {
  const found = execFileSync(compiler, ["-print-file-name=libasan.so"], { encoding: "utf8" }).trim();
  return found.includes("/") ? found : undefined;
}

/** The reason that nothing can be built with sanitizers here, or undefined. */
export function missingSanitizer() {
  const missing = missingCompiler();
  if (missing !== undefined) return missing;
  return sanitizerRuntime() ? undefined : `${compiler} has no AddressSanitizer here. Install its libasan`;
}

// Contraction is off, so only an explicit fmaf is fused. nvcc contracts by itself; the stand-in for PTX executes that.
const flags = ["-std=c++17", "-O2", "-g1", "-fPIC", "-fvisibility=hidden", "-ffp-contract=off", "-pthread"];
const warnings = ["-Wall", "-Wextra", "-Wno-unknown-pragmas", "-Wno-unused-function", "-Wno-psabi"];
const kernelFlags = ["-fno-strict-aliasing", "-DMAMBA_HOST_CUDA", ...fusedMultiplyAdd()];
// The instrumentation takes long to optimize, so these units are optimized less.
const sanitizers = [
  ...["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"],
];

/** Compiles fmaf to an instruction when the machine has one; the C library's function is many times slower. */
function fusedMultiplyAdd() {
  if (process.arch !== "x64" || !existsSync("/proc/cpuinfo")) return [];
  return /^flags\s*:.*\bfma\b/m.test(readFileSync("/proc/cpuinfo", "utf8")) ? ["-mfma"] : [];
}

/**
 * @typedef {object} Unit a file of generated C++ that registers GPU kernels
 * @property {string} name
 * @property {string} key changes whenever the text changes
 * @property {() => Promise<string>} text
 * @property {readonly string[]} [options] additional options of the compiler
 */

/**
 * @typedef {{ file: string, find: string, replace: string }} Patch a change to a .cu or .cuh file before it is compiled;
 *   `find` must occur in it exactly once
 */

/**
 * Builds a stand-in that executes the CUDA sources.
 *
 * @param {{ name?: string, sanitize?: boolean, folder?: string, patches?: readonly Patch[],
 *   only?: readonly string[] }} [options] name: of the folder under build/; folder: of the sources, by default those of
 *   packages/kernel-cuda; only: the .cu files that are compiled with the patches, by default all
 * @returns {Promise<string>} the path of its libcuda.so.1
 */
export async function buildSource({
  name = "source",
  sanitize = false,
  folder = cudaFolder,
  patches = [],
  only = undefined,
} = {}) {
  const patched = sourceUnits(folder, patches);
  const units = only
    ? [
        ...patched.filter(({ file }) => only.includes(file)),
        ...sourceUnits(folder, []).filter(({ file }) => !only.includes(file)),
      ]
    : patched;
  return buildStandIn({ name, level: "source", units, sanitize });
}

/**
 * @param {string} folder
 * @param {readonly Patch[]} patches
 */
function sourceUnits(folder, patches) {
  const sources = readSources(folder, patches);
  const headers = sources.filter(({ file }) => file.endsWith(".cuh"));
  const include = headerFolder(folder, headers, patches);
  return sources
    .filter(({ file }) => file.endsWith(".cu"))
    .map(({ file, text }) => ({
      file,
      name: file.replace(/\.cu$/, ""),
      key: digest(text, ...headers.map(({ text }) => text)),
      text: async () => transform(await preprocess(include, file, text)).text,
    }));
}

/**
 * @param {string} folder
 * @param {readonly Patch[]} patches
 */
function readSources(folder, patches) {
  const sources = readdirSync(folder)
    .filter((file) => /\.cuh?$/.test(file))
    .sort()
    .map((file) => ({ file, text: readFileSync(folder + file, "utf8") }));
  for (const { file, find, replace } of patches) {
    const source = sources.find((source) => source.file === file);
    const parts = source?.text.split(find) ?? [];
    if (source === undefined || parts.length !== 2) {
      throw new Error(
        `a patch of ${file} does not apply: its text occurs ${Math.max(0, parts.length - 1)} times`,
      );
    }
    source.text = parts.join(replace);
  }
  return sources;
}

/**
 * Returns the folder that headers are included from: that of the sources, or another one when headers are patched.
 *
 * @param {string} folder
 * @param {readonly { file: string, text: string }[]} headers
 * @param {readonly Patch[]} patches
 */
function headerFolder(folder, headers, patches) {
  if (!patches.some((patch) => patch.file.endsWith(".cuh"))) return folder;
  const patched = `${buildFolder}patched/${digest(...headers.map(({ text }) => text)).slice(0, 16)}/`;
  mkdirSync(patched, { recursive: true });
  for (const { file, text } of headers) {
    writeFileSync(`${patched}${file}.${process.pid}`, text);
    renameSync(`${patched}${file}.${process.pid}`, patched + file);
  }
  return patched;
}

/**
 * @param {string} headers the folder that headers are included from
 * @param {string} file
 * @param {string} text
 */
function preprocess(headers, file, text) {
  const args = ["-E", "-x", "c++", ...flags, ...kernelFlags, "-iquote", headers, "-I", `${here}src`, "-"];
  return run(compiler, args, `# 1 "${file}"\n${text}`);
}

/**
 * Builds a stand-in from C++ that registers GPU kernels.
 *
 * @param {{ name: string, level: string, units: readonly Unit[], sanitize?: boolean }} options `level` names
 *   the code that is executed, for the device's name
 * @returns {Promise<string>} the path of its libcuda.so.1
 */
export async function buildStandIn({ name, level, units, sanitize = false }) {
  const folder = `${buildFolder}${name}/`;
  const objects = `${buildFolder}objects/`;
  mkdirSync(folder, { recursive: true });
  mkdirSync(objects, { recursive: true });
  const extra = sanitize ? sanitizers : [];
  const headers = readdirSync(`${here}src`).filter((file) => file.endsWith(".h"));
  const shared = digest(
    version(),
    ...headers.sort().map((file) => readFileSync(`${here}src/${file}`, "utf8")),
  );

  /** @type {(() => Promise<string>)[]} */
  const jobs = [];
  /**
   * @param {string} unit
   * @param {string} key
   * @param {readonly string[]} options
   * @param {() => Promise<string> | string} text
   */
  const compile = (unit, key, options, text) => {
    const args = [...flags, ...warnings, ...options, ...extra, "-I", `${here}src`];
    const object = `${objects}${unit}-${digest(shared, key, ...args).slice(0, 20)}.o`;
    jobs.push(async () => {
      if (existsSync(object)) return object;
      const made = `${object}.${process.pid}`;
      await run(compiler, [...args, "-x", "c++", "-c", "-o", made, "-"], await text());
      renameSync(made, object);
      return object;
    });
  };
  for (const { name, key, text, options = [] } of units) {
    compile(name, key, [...kernelFlags, ...options], text);
  }
  const driver = readdirSync(`${here}src`).filter((file) => file.endsWith(".cc"));
  for (const file of driver) {
    const text = readFileSync(`${here}src/${file}`, "utf8");
    compile(file.replace(/\.cc$/, ""), text, [], () => `# 1 "${file}"\n${text}`);
  }
  const levelText = `namespace cuda_host { extern const char* const executionLevel; const char* const executionLevel = "${level}"; }\n`;
  compile("level", levelText, [], () => levelText);
  const linked = await all(jobs);

  const library = `${folder}libcuda.so.1`;
  const link = ["-shared", "-pthread", ...extra, "-Wl,-soname,libcuda.so.1", "-Wl,-z,now", "-Wl,-z,defs"];
  const stamp = digest(...linked, ...link);
  if (
    !existsSync(library) ||
    !existsSync(`${folder}stamp`) ||
    readFileSync(`${folder}stamp`, "utf8") !== stamp
  ) {
    rmSync(`${folder}stamp`, { force: true });
    const made = `${library}.${process.pid}`;
    await run(compiler, [...link, "-o", made, ...linked], "");
    renameSync(made, library);
    writeFileSync(`${folder}stamp`, stamp);
  }
  return library;
}

/**
 * Compiles a program or a library from one file and the headers beside it, unless it is up to date.
 *
 * @param {string} source its path
 * @param {string} target its name under build/
 * @param {readonly string[]} options additional options of the compiler
 * @returns {Promise<string>} its path
 */
export async function buildFile(source, target, options) {
  const args = [...flags, ...warnings, "-I", `${here}src`];
  const stamp = digest(version(), ...sourceWithHeaders(source), ...args, ...options);
  const path = `${buildFolder}${target}`;
  if (existsSync(path) && existsSync(`${path}.stamp`) && readFileSync(`${path}.stamp`, "utf8") === stamp)
    return path;
  mkdirSync(buildFolder, { recursive: true });
  await run(compiler, [...args, "-o", `${path}.${process.pid}`, source, ...options], "", true);
  renameSync(`${path}.${process.pid}`, path);
  writeFileSync(`${path}.stamp`, stamp);
  return path;
}

/** @param {string} source */
function sourceWithHeaders(source) {
  const headers = readdirSync(dirname(source)).filter((file) => file.endsWith(".h"));
  return [source, ...headers.map((file) => `${dirname(source)}/${file}`)].map((path) =>
    readFileSync(path, "utf8"),
  );
}

/**
 * Builds the module through which tests control a loaded stand-in (control.cc).
 *
 * @returns {Promise<string>} the path of a module for `require`
 */
export function buildControl() {
  const { resolve } = createRequire(new URL("../../packages/kernel-cuda/package.json", import.meta.url));
  const headers = `${dirname(resolve("node-api-headers/package.json"))}/include`;
  return buildFile(`${here}control.cc`, "control.node", ["-shared", "-I", headers]);
}

/** @param {readonly string[]} parts */
function digest(...parts) {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest("hex");
}

function version() {
  return execFileSync(compiler, ["--version"], { encoding: "utf8" });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const sanitize = process.argv.includes("--sanitize");
  console.log(await buildSource({ name: sanitize ? "source-sanitized" : "source", sanitize }));
}
