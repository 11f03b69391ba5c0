// Links in markdown, outside of code.

/**
 * @typedef {object} Link
 * @property {boolean} image
 * @property {string} text what stands in the brackets
 * @property {string} target the address without its fragment; empty for a place in the same file
 * @property {string} fragment with its `#`, or empty
 */

/** A link or an image, as two groups around an image inside of a link are not used here. */
const linkPattern = /(!?)\[((?:[^[\]`]|`[^`]*`)*)\]\(([^()\s]*)\)/g;

/**
 * Replaces the links of a text by what `change` returns for them.
 *
 * @param {string} markdown
 * @param {(link: Link, whole: string) => string} change
 */
export function mapLinks(markdown, change) {
  return mapProse(markdown, (prose) =>
    prose.replace(linkPattern, (whole, mark, text, address) => {
      const [target = "", fragment] = String(address).split("#");
      const link = {
        image: mark === "!",
        text,
        target,
        fragment: fragment === undefined ? "" : `#${fragment}`,
      };
      return change(link, whole);
    }),
  );
}

/**
 * @param {string} markdown
 * @returns {Link[]}
 */
export function linksOf(markdown) {
  /** @type {Link[]} */
  const links = [];
  mapLinks(markdown, (link, whole) => {
    links.push(link);
    return whole;
  });
  return links;
}

/** True for a link to a file of the same repository. @param {Link} link */
export function isRelative({ target }) {
  return target !== "" && !/^[a-z][a-z0-9+.-]*:|^\//i.test(target);
}

/**
 * The fragments of the headings, as the hosts of repositories make them.
 *
 * @param {string} markdown
 * @returns {Set<string>} each with its `#`
 */
export function anchorsOf(markdown) {
  const anchors = new Set();
  mapProse(markdown, (prose) => {
    for (const [, heading = ""] of prose.matchAll(/^#{1,6} +(.+)$/gm)) {
      const words = heading.replace(linkPattern, "$2").toLowerCase();
      anchors.add(
        `#${words
          .replace(/[^\p{L}\p{N}\s_-]/gu, "")
          .trim()
          .replaceAll(" ", "-")}`,
      );
    }
    return prose;
  });
  return anchors;
}

/**
 * Replaces the text between fenced blocks of code.
 *
 * @param {string} markdown
 * @param {(prose: string) => string} change
 */
function mapProse(markdown, change) {
  return markdown
    .split(/^(\s*```[^\n]*\n[\s\S]*?^\s*```[^\n]*$)/m)
    .map((part, i) => (i % 2 === 1 ? part : change(part)))
    .join("");
}
