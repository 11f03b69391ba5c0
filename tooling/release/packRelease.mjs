import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { root, workspacePackages } from "../workspace.mjs";
import { checkPackage, checkVersions, filesIn } from "./check.mjs";
import { documentsOf } from "./documents.mjs";
import { releaseManifest, renameCommand, renameScope } from "./rename.mjs";

// Makes the tarballs of a release: pnpm packs each package, the names in it are replaced by those of the publisher, and npm
// packs the result.

/**
 * @typedef {object} ReleasePackage
 * @property {string} name with the publisher's scope
 * @property {string} workspaceName
 * @property {string} version
 * @property {string} tarball absolute path
 */

/**
 * Packs all public packages under the publisher's scope. The packages must be built.
 *
 * @param {import("./options.mjs").ReleaseOptions} options `out` is a folder that is new or holds only tarballs, which are replaced
 * @returns {ReleasePackage[]} each after those that it depends on
 * @throws Error when a package cannot be packed, or something of the workspace is left in it
 */
export function packRelease(options) {
  const { scope, out, native } = options;
  const target = resolve(root, out);
  clearTarget(target);
  const all = workspacePackages().filter((found) => found.public);
  const packages = inOrder(all.filter((found) => native || !found.native));
  const leftOut = all
    .filter((found) => !packages.includes(found))
    .map(({ name }) => renameScope(name, scope));
  const scratch = mkdtempSync(join(tmpdir(), "mamba-release-"));
  try {
    packWorkspace(packages, scratch);
    const unpacked = packages.map(({ name, folder }) => {
      const path = unpack(scratch, name);
      rewrite(path, folder, options, leftOut);
      return { path, folder, workspaceName: name, manifest: checkPackage(path, scope) };
    });
    checkVersions(
      unpacked.map(({ manifest }) => manifest),
      scope,
    );
    mkdirSync(target, { recursive: true });
    npm([
      "pack",
      "--ignore-scripts",
      "--silent",
      "--pack-destination",
      target,
      ...unpacked.map(({ path }) => path),
    ]);
    return unpacked.map(({ workspaceName, manifest: { name, version } }) => {
      const tarball = join(target, `${tarballName(name)}-${version}.tgz`);
      if (!existsSync(tarball)) throw new Error(`npm pack wrote no ${tarball}`);
      return { name, workspaceName, version, tarball };
    });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** @param {string} target */
function clearTarget(target) {
  if (!existsSync(target)) return;
  const names = readdirSync(target);
  const other = names.find((name) => !name.endsWith(".tgz"));
  if (other !== undefined) {
    throw new Error(
      `${target}: the folder for the tarballs holds something else, ${other}; name another one`,
    );
  }
  for (const name of names) rmSync(join(target, name));
}

/**
 * Packages in an order in which they can be published.
 *
 * @param {import("../workspace.mjs").WorkspacePackage[]} packages
 */
function inOrder(packages) {
  /** @type {typeof packages} */
  const sorted = [];
  const visit = (/** @type {(typeof packages)[number]} */ found) => {
    if (sorted.includes(found)) return;
    for (const name of found.dependencies) {
      const dependency = packages.find((other) => other.name === name);
      if (dependency) visit(dependency);
    }
    sorted.push(found);
  };
  for (const found of packages) visit(found);
  return sorted;
}

/** `@scope/name` is packed as scope-name-1.2.3.tgz. @param {string} name */
function tarballName(name) {
  return name.replace("@", "").replace("/", "-");
}

/**
 * @param {readonly { folder: string }[]} packages
 * @param {string} scratch
 */
function packWorkspace(packages, scratch) {
  const { packageManager } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
  const filters = packages.map(({ folder }) => `--filter=./${folder}`);
  const args = ["--yes", packageManager, "--recursive", ...filters, "pack", "--pack-destination", scratch];
  execute("npx", args);
}

/** @param {readonly string[]} args */
function npm(args) {
  execute("npm", args);
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 */
function execute(command, args) {
  const shell = process.platform === "win32"; // npm and npx are batch files there
  try {
    execFileSync(command, args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], shell });
  } catch (error) {
    const { stdout = "", stderr = "" } = /** @type {{ stdout?: string, stderr?: string }} */ (error);
    throw new Error(`${command} ${args.join(" ")} failed:\n${stdout}${stderr}`, { cause: error });
  }
}

/**
 * @param {string} scratch
 * @param {string} name
 * @returns {string} the folder of the package's files
 */
function unpack(scratch, name) {
  const prefix = `${tarballName(name)}-`;
  const [tarball, ...others] = readdirSync(scratch).filter(
    (file) => file.startsWith(prefix) && /^\d.*\.tgz$/.test(file.slice(prefix.length)),
  );
  if (tarball === undefined || others.length > 0) throw new Error(`pnpm pack wrote no tarball of ${name}`);
  const folder = join(scratch, tarballName(name));
  mkdirSync(folder);
  execute("tar", ["-xzf", join(scratch, tarball), "-C", folder]);
  return join(folder, "package");
}

/** Files that are text. Others are checked, and never changed. */
const textFile = /\.(?:[cm]?js|d\.[cm]?ts|ts|json|map|md|txt)$|(?:^|\/)LICENSE$/;

/**
 * @param {string} path of the unpacked package
 * @param {string} folder of the package in the repository
 * @param {import("./options.mjs").ReleaseOptions} options
 * @param {readonly string[]} leftOut
 */
function rewrite(path, folder, { scope, cli, repository }, leftOut) {
  const files = new Set(filesIn(path));
  const documents = documentsOf({ folder, files }, { scope, repository });
  for (const [file, text] of documents) {
    mkdirSync(dirname(join(path, file)), { recursive: true });
    writeFileSync(join(path, file), renameCommand(text, cli, commandNames()));
  }
  for (const file of filesIn(path).filter((name) => textFile.test(name))) {
    const text = readFileSync(join(path, file), "utf8");
    const renamed = renameScope(text, scope);
    if (renamed !== text) writeFileSync(join(path, file), renamed);
  }
  const manifest = JSON.parse(readFileSync(join(path, "package.json"), "utf8"));
  const options = { folder, cli, repository, documents: [...documents.keys()], leftOut };
  const text = JSON.stringify(releaseManifest(manifest, options), undefined, 2);
  writeFileSync(join(path, "package.json"), `${text}\n`);
}

/** The names of the commands, which are those of the files in apps/cli/src/commands. */
function commandNames() {
  return readdirSync(`${root}apps/cli/src/commands`)
    .filter((name) => !name.endsWith(".test.ts"))
    .map((name) => name.replace(/\.ts$/, "").replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`));
}
