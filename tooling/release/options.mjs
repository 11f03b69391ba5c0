import { parseArgs } from "node:util";

/**
 * @typedef {object} ReleaseOptions
 * @property {string} scope the npm scope of the publisher: `@name`
 * @property {string} cli the name of the command that the CLI package installs
 * @property {string | undefined} repository the public address of the repository, without a final slash
 * @property {string} out the folder for the tarballs
 * @property {boolean} native false leaves the packages out that hold a binary
 */

const usage = `usage: pnpm release:pack --scope @name [options]

  --scope @name         the npm scope that you own, and publish under
  --cli name            the name of the command (default mamba)
  --repository url      the repository's public https address, for package.json and the links of READMEs
  --out folder          where the tarballs go (default release)
  --no-native           without the packages that hold a binary, on a machine that cannot build them`;

/** The scope of the workspace, which belongs to somebody else on npm. */
export const workspaceScope = "@mamba";

/**
 * Reads a command line.
 *
 * @param {readonly string[]} args
 * @returns {ReleaseOptions}
 * @throws Error that says what is wrong, with the usage
 */
export function parseOptions(args) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        scope: { type: "string" },
        cli: { type: "string" },
        repository: { type: "string" },
        out: { type: "string" },
        "no-native": { type: "boolean" },
      },
    });
    if (values.scope === undefined) throw new Error("--scope is missing");
    return {
      scope: checkScope(values.scope),
      cli: checkCommand(values.cli ?? "mamba"),
      repository: values.repository === undefined ? undefined : checkRepository(values.repository),
      out: values.out ?? "release",
      native: values["no-native"] !== true,
    };
  } catch (error) {
    throw new Error(`release:pack: ${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
  }
}

/** npm's rules for the names of packages, which hold for both halves of `@scope/name`. */
const npmName = /^[a-z0-9~-][a-z0-9._~-]*$/;
/** The longest name of a package here, after the scope. npm takes 214 characters in all. */
const longestName = 30;

/** @param {string} scope */
function checkScope(scope) {
  const name = scope.slice(1);
  if (!scope.startsWith("@") || !npmName.test(name)) {
    throw new Error(
      `--scope must be @ and a name in lower-case letters, digits, "-", "." and "_" (not first), got ${JSON.stringify(scope)}`,
    );
  }
  if (scope.length + longestName > 214)
    throw new Error(`--scope is too long for npm: ${scope.length} characters`);
  if (scope === workspaceScope) {
    throw new Error(`--scope ${scope}: that scope belongs to somebody else on npm; give one that you own`);
  }
  return scope;
}

/** @param {string} name */
function checkCommand(name) {
  if (/^[a-z0-9][a-z0-9._-]*$/.test(name)) return name;
  throw new Error(
    `--cli must be a name in lower-case letters, digits, "-", "." and "_" (not first), got ${JSON.stringify(name)}`,
  );
}

/** @param {string} text */
function checkRepository(text) {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "https:" && url.pathname !== "/" && !url.search && !url.hash && !url.username) {
    return url.href.replace(/(\.git)?\/*$/, "");
  }
  throw new Error(
    `--repository must be an https address such as https://host/owner/name, got ${JSON.stringify(text)}`,
  );
}
