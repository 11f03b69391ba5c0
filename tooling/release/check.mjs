import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, posix, relative } from "node:path";
import { anchorsOf, isRelative, linksOf } from "./markdown.mjs";
import { namesWorkspace } from "./rename.mjs";

// A package of a release must not have: names of the workspace, scripts, dependencies that nobody can install, links
// that lead nowhere.

/**
 * @typedef {object} ReleasedManifest
 * @property {string} name
 * @property {string} version
 * @property {Record<string, string>} [dependencies]
 * @property {Record<string, string>} [optionalDependencies]
 * @property {Record<string, string>} [peerDependencies]
 */

/**
 * @param {string} path of the unpacked package
 * @param {string} scope
 * @returns {ReleasedManifest}
 * @throws Error that lists all that is wrong
 */
export function checkPackage(path, scope) {
  const faults = [];
  const manifest = JSON.parse(readFileSync(join(path, "package.json"), "utf8"));
  if (!String(manifest.name).startsWith(`${scope}/`))
    faults.push(`package.json: its name is ${manifest.name}`);
  for (const field of ["scripts", "devDependencies"]) {
    if (field in manifest) faults.push(`package.json: it has ${field}`);
  }
  for (const file of filesIn(path)) {
    // Latin-1 keeps every byte, so that binary files are searched too.
    const text = readFileSync(join(path, file), "latin1");
    if (namesWorkspace(text) || namesWorkspace(file)) faults.push(`${file}: it names the workspace's scope`);
    if (text.includes("workspace:")) faults.push(`${file}: it has a dependency of the form workspace:…`);
    if (file.endsWith(".md")) faults.push(...deadLinks(path, file));
  }
  if (faults.length > 0) throw new Error(`${manifest.name} cannot be released:\n  ${faults.join("\n  ")}`);
  return manifest;
}

/** @param {string} path absolute @returns {string[]} paths relative to it, with forward slashes */
export function filesIn(path) {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(path, join(entry.parentPath, entry.name)).replaceAll("\\", "/"));
}

/**
 * @param {string} path
 * @param {string} file
 */
function deadLinks(path, file) {
  const text = readFileSync(join(path, file), "utf8");
  return linksOf(text).flatMap((link) => {
    if (!isRelative(link) && link.target !== "") return [];
    const place = link.target === "" ? file : posix.join(posix.dirname(file), link.target);
    const shown = `${link.target}${link.fragment}`;
    if (!existsSync(join(path, place))) return [`${file}: the link to ${shown} leads nowhere`];
    if (link.fragment === "" || !place.endsWith(".md")) return [];
    const anchors = place === file ? anchorsOf(text) : anchorsOf(readFileSync(join(path, place), "utf8"));
    return anchors.has(link.fragment) ? [] : [`${file}: there is no heading for ${shown}`];
  });
}

/**
 * Checks that all packages have one version, and depend on each other at that version.
 *
 * @param {readonly ReleasedManifest[]} manifests
 * @param {string} scope
 */
export function checkVersions(manifests, scope) {
  const versions = new Set(manifests.map(({ version }) => version));
  const [version] = versions;
  if (versions.size !== 1)
    throw new Error(`the packages have different versions: ${[...versions].join(", ")}`);
  const names = new Set(manifests.map(({ name }) => name));
  for (const { name, dependencies, optionalDependencies, peerDependencies } of manifests) {
    const all = Object.entries({ ...dependencies, ...optionalDependencies, ...peerDependencies });
    for (const [dependency, range] of all.filter(([dependency]) => dependency.startsWith(`${scope}/`))) {
      if (!names.has(dependency))
        throw new Error(`${name}: it depends on ${dependency}, which is not released`);
      if (range !== version && range !== `^${version}`)
        throw new Error(`${name}: it depends on ${dependency} at ${range}, which is released at ${version}`);
    }
  }
}
