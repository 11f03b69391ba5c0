import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

// The packages of this workspace, read from pnpm-workspace.yaml and each package.json. Lint rules, test aliases, packing and
// the dependency picture in docs/architecture.md derive from this list, so a new package needs no edit in tooling/.

export const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * @typedef {object} WorkspacePackage
 * @property {string} name
 * @property {string} folder relative to the root: `packages/core`
 * @property {boolean} public true when the package is meant for npm
 * @property {boolean} testOnly true when only tests import the package
 * @property {boolean} native true when the package holds a binary, which takes a compiler to build
 * @property {readonly string[]} dependencies workspace packages that the sources may import
 * @property {readonly string[]} devDependencies workspace packages that the tests may import as well
 * @property {ReadonlyMap<string, string>} entries import specifier -> source file relative to the root
 * @property {{ any: boolean, node: readonly string[] }} platform `any`: the sources use no Node module, except those that
 *   match a glob of `node`
 */

/** @returns {WorkspacePackage[]} */
export function workspacePackages() {
  const manifests = folders().map((folder) => ({ folder, manifest: readManifest(folder) }));
  const names = new Set(manifests.map(({ manifest }) => manifest.name));
  const here = (/** @type {Record<string, string> | undefined} */ dependencies) =>
    Object.keys(dependencies ?? {}).filter((name) => names.has(name));
  return manifests.map(({ folder, manifest }) => ({
    name: manifest.name,
    folder,
    public: manifest.private !== true,
    testOnly: manifest.mamba?.testOnly ?? false,
    native: manifest.os !== undefined,
    dependencies: [...here(manifest.dependencies), ...here(manifest.optionalDependencies)],
    devDependencies: here(manifest.devDependencies),
    entries: new Map(entries(folder, manifest)),
    platform: { any: manifest.mamba?.platform === "any", node: manifest.mamba?.node ?? [] },
  }));
}

/** Expands the globs of pnpm-workspace.yaml, all of which have the form `folder/*`. */
function folders() {
  const yaml = readFileSync(`${root}pnpm-workspace.yaml`, "utf8");
  const groups = [...yaml.matchAll(/^ {2}- (\w+)\/\*$/gm)].map(([, group = ""]) => group);
  return groups.flatMap((group) =>
    readdirSync(root + group)
      .map((name) => `${group}/${name}`)
      .filter((folder) => existsSync(`${root}${folder}/package.json`)),
  );
}

/**
 * @typedef {Record<string, string>} Dependencies
 * @typedef {object} Manifest the fields of package.json that are read here
 * @property {string} name
 * @property {boolean} [private]
 * @property {string[]} [os]
 * @property {Dependencies} [dependencies]
 * @property {Dependencies} [optionalDependencies]
 * @property {Dependencies} [devDependencies]
 * @property {Record<string, unknown>} [exports]
 * @property {{ platform?: "any", node?: string[], testOnly?: boolean }} [mamba] our own field
 *
 * @param {string} folder
 * @returns {Manifest}
 */
function readManifest(folder) {
  return JSON.parse(readFileSync(`${root}${folder}/package.json`, "utf8"));
}

/**
 * The source of the entry `./name` is `src/name.ts`, that of `.` is `src/index.ts`. Entries that are data have none.
 *
 * @param {string} folder
 * @param {Manifest} manifest
 * @returns {[string, string][]}
 */
function entries(folder, manifest) {
  return Object.keys(manifest.exports ?? {}).flatMap((path) => {
    const sources = [path === "." ? "index" : path.slice(2), `${path.slice(2)}/index`];
    const source = sources.map((name) => `${folder}/src/${name}.ts`).find((file) => existsSync(root + file));
    return source === undefined ? [] : [[manifest.name + path.slice(1), source]];
  });
}
