// Builds native/ into build/mamba-cuda.node with the compiler that is here: any that knows C++17. It takes the headers of
// Node-API from npm and the compiled kernels from generated/, and neither a CUDA toolkit nor a driver.
//
//   node scripts/build-addon.mjs [--force]     CXX names another compiler; MAMBA_CXXFLAGS is passed on to it

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
  // A compiler that is newer than this code may warn of more, which must not be in the way of whoever only builds.
  ...["-Wall", "-Wextra", ...(process.env["CI"] ? ["-Werror"] : [])],
  ...["-DNAPI_VERSION=8", "-DNODE_ADDON_API_CPP_EXCEPTIONS"],
  // In a thread that is being terminated nothing can be thrown.
  "-DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS",
];
const includes = [
  dirname(resolve("node-addon-api/napi.h")),
  `${dirname(resolve("node-api-headers/package.json"))}/include`,
];

/** What the addon is made from. */
function digest() {
  const hash = createHash("sha256").update(JSON.stringify([compiler, flags, options]));
  for (const name of readdirSync(`${here}native`).sort())
    hash.update(name).update(readFileSync(`${here}native/${name}`));
  return hash.update(readFileSync(`${here}generated/kernels.fatbin`)).digest("hex");
}

/** The compiled kernels as a source file: `.incbin` puts their bytes into the addon as they are. */
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

/** Why the addon cannot be built here; undefined when it can. */
function lacking() {
  if (process.platform !== "linux") return `it is made for Linux, this is ${process.platform}`;
  try {
    execFileSync(compiler, ["--version"], { stdio: "ignore" });
    return undefined;
  } catch {
    return `there is no C++ compiler here (${compiler})`;
  }
}

/** Builds the addon unless it is there already. @returns {string | undefined} why it could not be, if so */
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
  if (lack !== undefined) console.log(`addon: not built, as ${lack}; @mamba/kernel-cuda will say so`);
}
