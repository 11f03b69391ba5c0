import { spawnSync } from "node:child_process";
import {
  accessSync,
  constants,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, delimiter, join } from "node:path";
import { root } from "./workspace.mjs";

/** The programs of a bare machine: Node's own, and what npm and pnpm call in their shell scripts. */
const programs = ["npm", "npx", "sh", "env", "sed", "dirname", "uname"];
/** Variables that would name a program or a driver which the bare PATH hides. */
const hidden = ["CC", "CXX", "NVCC", "PYTHON", "CHROMIUM_PATH", "VK_ICD_FILENAMES", "MAMBA_REQUIRE_BACKENDS"];
const ignored = new Set(["node_modules", ".git", ".turbo", "dist", "build", "coverage"]);

/**
 * Runs `npm run check` in a fresh copy of this tree, with a PATH that has no compiler, browser, Python or git, and adds its
 * counts: nothing may fail there that passes here.
 *
 * @param {import("./report.mjs").Report} report
 */
export function onBareMachine(report) {
  const name = "On a machine with nothing but Node and npm";
  if (process.platform === "win32") return report.missing(name, "needs a POSIX shell");
  report.step(name, () => {
    const folder = mkdtempSync(join(tmpdir(), "mamba-bare-"));
    try {
      const copy = join(folder, "copy/");
      cpSync(root, copy, { recursive: true, filter: isSource });
      const { status } = spawnSync(join(makePath(folder), "node"), ["tooling/check.mjs", "--bare"], {
        cwd: copy,
        stdio: "inherit",
        env: bareEnvironment(folder),
      });
      if (status === null) report.fail(`${name}: the run was ended from outside`);
      else report.add("bare machine", copy);
    } catch (error) {
      report.fail(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

/** @param {string} path */
function isSource(path) {
  return !ignored.has(basename(path)) && !path.endsWith("/src/generated") && !path.endsWith(".node");
}

/**
 * Fills a folder for the PATH. Node is copied: npm adds the folder of Node's real path to the PATH of what it starts.
 *
 * @param {string} folder
 */
function makePath(folder) {
  const bin = join(folder, "bin");
  mkdirSync(bin);
  copyFileSync(process.execPath, join(bin, "node"), constants.COPYFILE_FICLONE);
  for (const program of programs) symlinkSync(realpathSync(find(program)), join(bin, program));
  return bin;
}

/** @param {string} program */
function find(program) {
  const candidates = (process.env["PATH"] ?? "").split(delimiter).map((path) => join(path, program));
  const found = candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (found === undefined) throw new Error(`${program} is not on the PATH`);
  return found;
}

/** @param {string} folder */
function bareEnvironment(folder) {
  const env = { ...process.env, PATH: join(folder, "bin") };
  for (const name of hidden) Reflect.deleteProperty(env, name);
  // pnpm and npm set these for the scripts that they run.
  for (const name of Object.keys(env))
    if (/^(npm_|NODE_PATH$|INIT_CWD$)/.test(name)) Reflect.deleteProperty(env, name);
  return env;
}
