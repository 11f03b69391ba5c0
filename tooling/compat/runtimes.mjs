import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { root } from "../workspace.mjs";

// The runtimes that the compatibility table compares. npm has each of them as a package with a binary.

/** @type {Readonly<Record<string, string>>} */
const packages = {
  node20: "npm:node@20.20.2",
  node22: "npm:node@22.23.3",
  node24: "npm:node@24.21.0",
  bun: "1.4.5",
  deno: "2.9.6",
};

/**
 * @typedef {object} Runtime
 * @property {string} name with its version
 * @property {string} program
 * @property {readonly string[]} start the arguments before the path of a script
 */

/** The Node that runs this. @type {Runtime} */
export const thisNode = { name: `Node ${process.versions.node}`, program: process.execPath, start: [] };

/**
 * Installs the runtimes under build/, once (600 MB).
 *
 * @returns {Runtime[]}
 */
export function installRuntimes() {
  const folder = `${root}build/runtimes/`;
  const manifest = `${JSON.stringify({ private: true, dependencies: packages }, undefined, 2)}\n`;
  const stamp = `${folder}installed.json`;
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== manifest) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}package.json`, manifest);
    const shell = process.platform === "win32";
    execFileSync("npm", ["install", "--no-audit", "--no-fund"], { cwd: folder, stdio: "inherit", shell });
    writeFileSync(stamp, manifest);
  }
  const modules = `${folder}node_modules/`;
  const nodes = ["node20", "node22", "node24"].map((name) => {
    const program = `${modules}${name}/bin/node`;
    return { name: `Node ${version(program)}`, program, start: [] };
  });
  const [bun, deno] = [`${modules}.bin/bun`, `${modules}.bin/deno`];
  return [
    ...nodes,
    { name: `Bun ${version(bun)}`, program: bun, start: [] },
    { name: `Deno ${version(deno)}`, program: deno, start: ["run", "--allow-all", "--quiet"] },
  ];
}

/** @param {string} program */
function version(program) {
  const [found = "unknown"] =
    /\d+\.\d+\.\d+/.exec(execFileSync(program, ["--version"], { encoding: "utf8" })) ?? [];
  return found;
}
