import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

// Installs the programs beside which this project compares itself: llama.cpp (node-llama-cpp with its build for Linux x64) and
// llama.cpp in WebAssembly (wllama). They lie outside the workspace: only `pnpm bench:llama` and CI install them. No script of
// theirs runs, and none of the builds for other systems is fetched.

const folder = fileURLToPath(new URL(".", import.meta.url));

/** Why the peers cannot be used here; undefined when they are installed. */
export function missingPeers() {
  if (process.platform !== "linux" || process.arch !== "x64")
    return `llama.cpp is installed for Linux x64 only, this is ${process.platform} ${process.arch}`;
  const copy = `${folder}node_modules/.package-lock.json`;
  const wanted = JSON.parse(readFileSync(`${folder}package.json`, "utf8")).dependencies;
  const found = existsSync(copy) ? JSON.parse(readFileSync(copy, "utf8")).packages : {};
  const lacking = Object.keys(wanted).filter(
    (name) => found[`node_modules/${name}`]?.version !== wanted[name],
  );
  return lacking.length === 0
    ? undefined
    : `not installed: ${lacking.join(", ")}; node tooling/peers/install.mjs installs`;
}

/** Installs the peers unless they are there. Throws when that fails. */
export function installPeers() {
  if (missingPeers() === undefined) return;
  // Not `npm ci`: it wants the builds for all systems in the lockfile, and some registries lack a few of them.
  const args = ["install", "--no-save", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund"];
  const { status } = spawnSync("npm", args, { cwd: folder, stdio: ["ignore", 2, 2] });
  const missing = missingPeers();
  if (status !== 0 || missing !== undefined)
    throw new Error(`the peers could not be installed: ${missing ?? "npm failed"}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) installPeers();
