import { existsSync, readFileSync, statSync } from "node:fs";
import { posix } from "node:path";
import { root } from "../workspace.mjs";
import { isRelative, linksOf, mapLinks } from "./markdown.mjs";

// The documents of a package: its README tells how to install it under the publisher's scope, and every link resolves: in the
// repository when its address is known, else to a file of the package; a link to anything else becomes plain text.

/**
 * @typedef {object} Package
 * @property {string} folder relative to the root: `packages/core`
 * @property {ReadonlySet<string>} files paths in the tarball
 *
 * @typedef {object} Publisher
 * @property {string} scope
 * @property {string | undefined} repository
 */

/**
 * Returns the documents of a package by their path in the tarball.
 *
 * @param {Package} found
 * @param {Publisher} publisher
 * @returns {Map<string, string>}
 */
export function documentsOf({ folder, files }, { scope, repository }) {
  const own = [...files].filter((path) => path.endsWith(".md"));
  const sources = new Map(own.map((path) => [path, `${folder}/${path}`]));
  if (repository === undefined) for (const path of carriedBy(folder, own)) sources.set(path, path);
  const places = new Map([...sources].map(([path, source]) => [source, path]));
  for (const path of files) places.set(`${folder}/${path}`, path);
  return new Map(
    [...sources].map(([path, source]) => {
      const text = readFileSync(root + source, "utf8");
      const installed = path === "README.md" ? withInstallation(text, scope, source) : text;
      return [
        path,
        mapLinks(installed, (link, whole) => linkIn(path, source, link, whole, places, repository)),
      ];
    }),
  );
}

/**
 * The pages of docs/ that the package's own documents link to; they keep their paths.
 *
 * @param {string} folder
 * @param {readonly string[]} own
 */
function carriedBy(folder, own) {
  return own.flatMap((path) =>
    linksOf(readFileSync(`${root}${folder}/${path}`, "utf8"))
      .filter(isRelative)
      .map(({ target }) => posix.join(folder, posix.dirname(path), target))
      .filter((source) => /^docs\/\w[\w-]*\.md$/.test(source)),
  );
}

/**
 * @param {string} path of the document in the tarball
 * @param {string} source of the document in the repository
 * @param {import("./markdown.mjs").Link} link
 * @param {string} whole
 * @param {ReadonlyMap<string, string>} places path in the repository -> path in the tarball
 * @param {string | undefined} repository
 */
function linkIn(path, source, link, whole, places, repository) {
  if (!isRelative(link)) return whole;
  const target = posix.join(posix.dirname(source), link.target).replace(/\/$/, "");
  if (!existsSync(root + target)) throw new Error(`${source}: the link to ${link.target} leads nowhere`);
  const mark = link.image ? "!" : "";
  const place = places.get(target);
  if (place !== undefined) {
    const relative = posix.relative(posix.dirname(path), place);
    return `${mark}[${link.text}](${relative}${link.fragment})`;
  }
  if (repository === undefined) return link.image ? "" : link.text;
  const kind = link.image ? "raw" : statSync(root + target).isDirectory() ? "tree" : "blob";
  return `${mark}[${link.text}](${repository}/${kind}/HEAD/${target}${link.fragment})`;
}

/** The lines of a README on how to install the package from a clone, and the packages that they name. */
const installation = /<!-- install ([\w -]+) -->\n[\s\S]*?<!-- end of install -->\n/;

/**
 * @param {string} text
 * @param {string} scope
 * @param {string} source for the error
 */
function withInstallation(text, scope, source) {
  const [, names = ""] = installation.exec(text) ?? [];
  if (names === "") throw new Error(`${source}: there is no <!-- install … --> section`);
  const packages = names.split(" ").map((name) => `${scope}/${name}`);
  return text.replace(installation, `\`\`\`sh\nnpm install ${packages.join(" ")}\n\`\`\`\n`);
}
