import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { root } from "./workspace.mjs";

// Installing and building, for `npm start`, `npm test` and `npm run check`. They need Node and npm and nothing else: npx brings
// pnpm in the version that the root package.json names.

const { packageManager, engines } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));

/**
 * Runs a program in the repository's root with its output on this terminal.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {Record<string, string>} [env] added to the environment
 * @returns {boolean} true when it exited with 0
 */
export function run(command, args, env = {}) {
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: "1", ...env },
    // npx is a batch file there.
    shell: process.platform === "win32",
  });
  if (result.error) console.error(`${command} could not be started: ${result.error.message}`);
  return result.status === 0;
}

/**
 * Runs pnpm, or with `exec` a tool of the workspace. Tools that call pnpm themselves use the same one.
 *
 * @param {readonly string[]} args
 * @param {Record<string, string>} [env]
 */
export function pnpm(args, env) {
  return run("npx", ["--yes", packageManager, ...args], env);
}

/** Installs the dependencies and builds the packages that changed. Throws on failure. */
export function setUp() {
  checkNode();
  if (!installed()) {
    console.log(`\n> Installing dependencies with ${packageManager} (through npx)`);
    if (!pnpm(["install", "--frozen-lockfile"])) throw new Error("the dependencies could not be installed");
  }
  console.log("\n> Building all packages (what is current is kept)");
  if (!pnpm(["exec", "turbo", "run", "build", "--output-logs=errors-only", "--log-order=grouped"])) {
    throw new Error("the build failed");
  }
  if (!existsSync(`${root}packages/kernel-cuda/build/mamba-cuda.node`)) {
    console.log("note: the CUDA backend has no addon here: building it takes Linux and a C++ compiler (g++)");
  }
}

function checkNode() {
  const needed = engines.node.replace(">=", "");
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const [neededMajor = 0, neededMinor = 0] = needed.split(".").map(Number);
  if (major < neededMajor || (major === neededMajor && minor < neededMinor)) {
    throw new Error(`Node ${needed} or newer is needed, this is ${process.versions.node}`);
  }
}

/** pnpm leaves a copy of the lockfile behind when an install is complete. */
function installed() {
  const copy = `${root}node_modules/.pnpm/lock.yaml`;
  return existsSync(copy) && readFileSync(copy, "utf8") === readFileSync(`${root}pnpm-lock.yaml`, "utf8");
}
