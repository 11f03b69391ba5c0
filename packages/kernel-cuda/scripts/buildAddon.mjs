// Builds native/ to build/mamba-cuda.node with any compiler for C++17. The headers of Node-API come from npm, the compiled GPU
// kernels from generated/; the build needs neither a CUDA toolkit nor a driver.
//
//   node scripts/buildAddon.mjs [--force]     CXX names another compiler, MAMBA_CXXFLAGS adds flags

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL("..", import.meta.url));
const target = `${here}build/`;
const addon = `${target}mamba-cuda.node`;
const compiler = process.env["CXX"] ?? "g++";
const flags = (process.env["MAMBA_CXXFLAGS"] ?? "").split(" ").filter(Boolean);
const { resolve } = createRequire(import.meta.url);

const options = [
  ...["-std=c++17", "-O2", "-shared", "-fPIC", "-pthread", "-fvisibility=hidden"],
  // Newer compilers may have more warnings. They are errors in CI only, so that they never stop a user's build.
  ...["-Wall", "-Wextra", ...(process.env["CI"] ? ["-Werror"] : [])],
  ...["-DNAPI_VERSION=8", "-DNODE_ADDON_API_CPP_EXCEPTIONS"],
  // A thread that is being terminated cannot throw.
  "-DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS",
];
const includes = [
  dirname(resolve("node-addon-api/napi.h")),
  `${dirname(resolve("node-api-headers/package.json"))}/include`,
];

/** Digest of everything that the addon is built from. */
function digest() {
  const hash = createHash("sha256").update(JSON.stringify([compiler, flags, options]));
  for (const name of readdirSync(`${here}native`).sort())
    hash.update(name).update(readFileSync(`${here}native/${name}`));
  return hash.update(readFileSync(`${here}generated/kernels.fatbin`)).digest("hex");
}

/** Writes a source file that embeds the compiled GPU kernels in the addon with `.incbin`. */
function writeImage() {
  const table = JSON.parse(readFileSync(`${here}generated/kernels.json`, "utf8"));
  const path = JSON.stringify(`${here}generated/kernels.fatbin`);
  const source = `#include "image.h"

__asm__(
    ".section .rodata\\n"
    ".balign 64\\n"
    "mamba_kernel_image:\\n"
    ".incbin " ${JSON.stringify(path)} "\\n"
    ".text\\n");
extern "C" __attribute__((visibility("hidden"))) const unsigned char mamba_kernel_image[];

namespace mamba {

const void* kernelImage() { return mamba_kernel_image; }
const char* kernelDigest() { return ${JSON.stringify(table.digest)}; }

}  // namespace mamba
`;
  writeFileSync(`${target}image.cc`, source);
}

/** The reason that the addon cannot be built here, or undefined. */
function lacking() {
  if (process.platform !== "linux") return `it needs Linux, this is ${process.platform}`;
  try {
    execFileSync(compiler, ["--version"], { stdio: "ignore" });
    return undefined;
  } catch {
    return `there is no C++ compiler here (${compiler})`;
  }
}

/** Builds the addon unless it is up to date. @returns {string | undefined} the reason that it cannot be built */
export function buildAddon(force = false) {
  const wanted = digest();
  const stamp = `${target}mamba-cuda.digest`;
  if (!force && existsSync(addon) && existsSync(stamp) && readFileSync(stamp, "utf8") === wanted)
    return undefined;
  const lack = lacking();
  if (lack !== undefined) return lack;
  mkdirSync(target, { recursive: true });
  writeImage();
  const sources = readdirSync(`${here}native`).filter((name) => name.endsWith(".cc"));
  const inputs = [...sources.map((name) => `${here}native/${name}`), `${target}image.cc`];
  const search = [...includes.map((path) => `-isystem${path}`), `-I${here}native`];
  execFileSync(compiler, [...options, ...flags, ...search, ...inputs, "-ldl", "-o", `${addon}.new`], {
    stdio: "inherit",
  });
  renameSync(`${addon}.new`, addon);
  writeFileSync(stamp, wanted);
  return undefined;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const lack = buildAddon(process.argv.includes("--force"));
  if (lack !== undefined)
    console.log(`addon: not built (${lack}); @mamba/kernel-cuda will report NOT_INSTALLED`);
}
