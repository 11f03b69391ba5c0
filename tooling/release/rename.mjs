import { workspaceScope } from "./options.mjs";

// Renames the packages and the command in the text of a release.

/** The workspace's scope, and no longer name that begins with it. */
const scopePattern = new RegExp(`${workspaceScope}(?![\\w~-]|\\.\\w)`, "g");

/**
 * Puts the publisher's scope in the place of the workspace's: in imports, declarations, names of packages that are computed,
 * messages and documents.
 *
 * @param {string} text
 * @param {string} scope
 */
export function renameScope(text, scope) {
  return text.replace(scopePattern, () => scope);
}

/** True when a text still names the workspace's scope. @param {string} text */
export function namesWorkspace(text) {
  return text.search(scopePattern) !== -1;
}

/**
 * Renames the command in a document: in `mamba train` and the like, in the title, and in links to headings.
 *
 * @param {string} text
 * @param {string} cli
 * @param {readonly string[]} commands
 */
export function renameCommand(text, cli, commands) {
  const names = commands.join("|");
  const calls = new RegExp(
    `(?<![\\w@/.-])mamba(?=\\s+(?:${names}|<command>|--help|--version)(?![\\w-]))`,
    "g",
  );
  const anchors = new RegExp(`(?<=\\(#)mamba(?=-(?:${names})(?![a-z]))`, "g");
  return text
    .replace(/^# `mamba`$/m, () => `# \`${cli}\``)
    .replace(calls, () => cli)
    .replace(anchors, () => cli.replace(/[^a-z0-9_-]/g, ""));
}

/**
 * Returns the package.json of a release: nothing that only the workspace needs, and the publisher's addresses.
 *
 * @param {Record<string, any>} manifest as pnpm packs it, with the publisher's scope
 * @param {object} options
 * @param {string} options.folder of the package in the repository
 * @param {string} options.cli
 * @param {string | undefined} options.repository
 * @param {readonly string[]} options.documents paths of the documents
 * @param {readonly string[]} options.leftOut names of packages that this release does not have
 * @returns {Record<string, unknown>}
 */
export function releaseManifest(manifest, { folder, cli, repository, documents, leftOut }) {
  const { scripts: _, devDependencies: __, mamba: ___, ...kept } = manifest;
  const optional = Object.entries(kept["optionalDependencies"] ?? {}).filter(
    ([name]) => !leftOut.includes(name),
  );
  const { optionalDependencies: ____, ...rest } = kept;
  return {
    ...rest,
    ...(optional.length > 0 && { optionalDependencies: Object.fromEntries(optional) }),
    ...(kept["bin"] && { bin: { [cli]: Object.values(kept["bin"])[0] } }),
    files: [...new Set([...kept["files"], ...documents])],
    ...(repository !== undefined && {
      repository: { type: "git", url: `git+${repository}.git`, directory: folder },
      bugs: `${repository}/issues`,
      homepage: `${repository}/tree/HEAD/${folder}#readme`,
    }),
  };
}
