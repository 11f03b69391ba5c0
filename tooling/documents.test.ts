import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { posix } from "node:path";
import { expect, it } from "vitest";
import { documents } from "./readme.ts";
import { anchorsOf, isRelative, linksOf } from "./release/markdown.mjs";
import { root, workspacePackages } from "./workspace.mjs";

const paths = documents();
const textOf = (path: string) => readFileSync(root + path, "utf8");

it.each(paths)("every link of %s leads to a file, and to a heading", (path) => {
  const dead = linksOf(textOf(path)).filter((link) => {
    if (!isRelative(link) && link.target !== "") return false;
    const target = link.target === "" ? path : posix.join(posix.dirname(path), link.target);
    if (!existsSync(root + target)) return true;
    if (link.fragment === "" || !target.endsWith(".md") || statSync(root + target).isDirectory())
      return false;
    return !anchorsOf(textOf(target)).has(link.fragment);
  });
  expect(dead).toEqual([]);
});

/** "npm install @mamba/core", "install the package @mamba/core": the scope there belongs to somebody else. */
const installs =
  /\b(?:(?:install|npm i|(?:pnpm|yarn|bun|deno) (?:i|add|x)) [^\n]*|(?:npx|dlx) )@mamba\/[a-z$]/;

it.each(paths)("%s does not tell to install a package of this scope", (path) => {
  expect(textOf(path)).not.toMatch(installs);
});

it.each(workspacePackages().filter(({ native }) => !native))(
  "no message of $name tells to install a package of this scope",
  ({ folder }) => {
    const sources = readdirSync(`${root}${folder}/src`, { recursive: true, encoding: "utf8" });
    const found = sources
      .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
      .filter((name) => installs.test(readFileSync(`${root}${folder}/src/${name}`, "utf8")));
    expect(found).toEqual([]);
  },
);
