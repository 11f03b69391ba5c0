// Lint rules for imports between packages, as the package.jsons say: a package's sources import its dependencies, its tests its
// devDependencies as well. A private package among the devDependencies is bundled into its users, so their sources import it
// too, unless it is for tests only.

/** @typedef {import("./workspace.mjs").WorkspacePackage} WorkspacePackage */

const testFiles = ["src/**/*.test.ts", "test/**", "*.config.ts"];

/**
 * Workspace packages that the sources of a package may import.
 *
 * @param {WorkspacePackage} from
 * @param {readonly WorkspacePackage[]} packages
 * @returns {string[]} names
 */
export function sourceImports(from, packages) {
  const isBundled = (/** @type {string} */ name) =>
    packages.some((other) => other.name === name && !other.public && !other.testOnly);
  return [...from.dependencies, ...from.devDependencies.filter(isBundled)];
}

/**
 * Lint configuration that reports imports against the arrows, and Node's modules in packages that run on any platform.
 *
 * @param {readonly WorkspacePackage[]} packages
 * @param {readonly string[]} nodeModules names of Node's built-in modules
 */
export function arrows(packages, nodeModules) {
  const node = `^(node:|(${nodeModules.join("|")})(/|$))`;
  return packages.flatMap((from) => {
    const { name, folder, devDependencies, platform } = from;
    const source = sourceImports(from, packages);
    const anywhere = source.filter((name) => packages.find((other) => other.name === name)?.platform.any);
    const only = (/** @type {readonly string[]} */ allowed) => ({
      // A package's tests may import every entry of the package itself.
      regex: `^@mamba/(?!(${[name, ...allowed].map((other) => other.replace("@mamba/", "")).join("|")})(/|$))`,
      message: `${folder}: only ${allowed.join(", ") || "no other package"} may be imported here; see its package.json.`,
    });
    // A path into another package's folder would go around its public entry.
    const others = packages.filter((other) => other !== from).map((other) => other.folder);
    const names = others.map((other) => other.replace(/^\w+\//, "")).join("|");
    const byPath = {
      regex: `^(\\.\\./)+((packages|apps)/|(${names})/(src|test|dist)/)`,
      message: "Import packages by name.",
    };
    const nodeModule = { regex: node, message: `${folder} runs on every platform: no Node modules.` };
    const globs = (/** @type {readonly string[]} */ patterns) => patterns.map((glob) => `${folder}/${glob}`);
    return [
      {
        files: globs(["src/**"]),
        ignores: globs(testFiles),
        rules: restrict(platform.any ? [only(anywhere), byPath, nodeModule] : [only(source), byPath]),
      },
      // Later entries replace the rules of earlier ones.
      ...(platform.node.length > 0
        ? [{ files: globs(platform.node), rules: restrict([only(source), byPath]) }]
        : []),
      { files: globs(testFiles), rules: restrict([only([...source, ...devDependencies]), byPath]) },
    ];
  });
}

/**
 * The same patterns for `import … from` and for `import()`, which `no-restricted-imports` does not see.
 *
 * @param {{ regex: string, message: string }[]} patterns
 */
function restrict(patterns) {
  const dynamic = patterns.map(({ regex, message }) => ({
    selector: `ImportExpression[source.value=/${regex.replaceAll("/", "\\/")}/]`,
    message,
  }));
  return {
    "no-restricted-imports": /** @type {const} */ (["error", { patterns }]),
    "no-restricted-syntax": /** @type {const} */ (["error", ...dynamic]),
  };
}
