import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { root, workspacePackages } from "../workspace.mjs";
import { checkPackage, checkVersions } from "./check.mjs";
import { documentsOf } from "./documents.mjs";
import { isRelative, linksOf } from "./markdown.mjs";
import { parseOptions } from "./options.mjs";
import { packRelease } from "./packRelease.mjs";
import { releaseManifest, renameCommand, renameScope } from "./rename.mjs";

describe("the options", () => {
  it("have defaults", () => {
    const defaults = { cli: "mamba", repository: undefined, out: "release", native: true };
    expect(parseOptions(["--scope", "@you"])).toEqual({ scope: "@you", ...defaults });
    const more = ["--cli=m", "--repository=https://host.example/you/code.git/", "--out=x", "--no-native"];
    expect(parseOptions(["--scope=@you-2.a_b", ...more])).toEqual({
      ...{ scope: "@you-2.a_b", cli: "m", out: "x", native: false },
      repository: "https://host.example/you/code",
    });
  });

  it.each([
    [[], /--scope is missing/],
    [["--scope", "you"], /must be @ and a name/],
    [["--scope", "@"], /must be @ and a name/],
    [["--scope", "@You"], /lower-case .* got "@You"/],
    [["--scope", "@.you"], /must be @ and a name/],
    [["--scope", "@_you"], /must be @ and a name/],
    [["--scope", "@you/core"], /must be @ and a name/],
    [["--scope", "@you me"], /must be @ and a name/],
    [["--scope", `@${"y".repeat(200)}`], /too long for npm/],
    [["--scope", "@mamba"], /belongs to somebody else/],
    [["--scope", "@you", "--cli", "A b"], /--cli must be a name/],
    [["--scope", "@you", "--repository", "git@host:you/code"], /--repository must be an https address/],
    [["--scope", "@you", "--repository", "https://host.example/"], /--repository must be an https address/],
    [["--scope", "@you", "--nothing"], /--nothing/],
  ])("%j are refused", (args, message) => {
    expect(() => parseOptions(args)).toThrow(message);
    expect(() => parseOptions(args)).toThrow("usage: pnpm release:pack");
  });
});

describe("names", () => {
  it("are replaced wherever the scope stands", () => {
    const text = [
      'import { a } from "@mamba/core";',
      'type T = import("@mamba/kernel").Tensor;',
      'declare module "@mamba/train/node" {}',
      'const name = `@mamba/kernel-cuda-${platform}`; Symbol.for("@mamba/core.MambaError");',
      "the scope `@mamba`, @mamba.",
    ].join("\n");
    expect(renameScope(text, "@you-$&")).toBe(text.replaceAll("@mamba", () => "@you-$&"));
    const others = "@mamba-2/core @mambas/core @mamba.js/core mamba/core";
    expect(renameScope(others, "@you")).toBe(others);
  });

  it("of the command are replaced in calls, and in nothing else", () => {
    const commands = ["train", "coord-check"];
    expect(
      renameCommand("# `mamba`\n\n`mamba train x`, mamba --help, [a](#mamba-train-task)", "m.2", commands),
    ).toBe("# `m.2`\n\n`m.2 train x`, m.2 --help, [a](#m2-train-task)");
    const others = "npm run mamba -- train, mamba-130m, mamba trains, mamba_ts, `mamba` models";
    expect(renameCommand(others, "m", commands)).toBe(others);
  });

  it("leave package.json without what only the workspace needs", () => {
    const manifest = {
      ...{ name: "@you/cli", bin: { mamba: "./dist/main.js" }, files: ["dist"], mamba: { platform: "any" } },
      ...{ scripts: { build: "x" }, devDependencies: { "@you/bench": "^1.0.0" } },
      optionalDependencies: { "@you/native": "1.0.0" },
    };
    const repository = "https://host.example/you/code";
    const options = { folder: "apps/cli", cli: "m", documents: ["README.md"] };
    expect(releaseManifest(manifest, { ...options, repository, leftOut: ["@you/native"] })).toEqual({
      ...{ name: "@you/cli", bin: { m: "./dist/main.js" }, files: ["dist", "README.md"] },
      repository: { type: "git", url: `git+${repository}.git`, directory: "apps/cli" },
      ...{ bugs: `${repository}/issues`, homepage: `${repository}/tree/HEAD/apps/cli#readme` },
    });
    const without = releaseManifest(manifest, { ...options, repository: undefined, leftOut: [] });
    expect(Object.keys(without).sort()).toEqual(["bin", "files", "name", "optionalDependencies"]);
  });
});

const published = workspacePackages().filter((found) => found.public);

describe.each(published)("the documents of $name", ({ folder }) => {
  const files = new Set(["README.md"]);

  it("link into the repository when its address is known", () => {
    const repository = "https://host.example/you/code";
    const documents = documentsOf({ folder, files }, { scope: "@you", repository });
    expect([...documents.keys()]).toEqual(["README.md"]);
    const text = documents.get("README.md") ?? "";
    expect(linksOf(text).filter(isRelative)).toEqual([]);
    expect(text).toContain("npm install @you/");
    expect(text).not.toContain("CLONE");
  });

  it("else link only to each other, or not at all", () => {
    const documents = documentsOf({ folder, files }, { scope: "@you", repository: undefined });
    for (const [path, text] of documents) {
      for (const { target } of linksOf(text).filter(isRelative)) {
        expect(documents.has(join(dirname(path), target)), `${path}: ${target}`).toBe(true);
      }
    }
  });
});

it("the documents of the conformance suite have the pages that it links to", () => {
  const found = { folder: "packages/conformance", files: new Set(["README.md"]) };
  const documents = documentsOf(found, { scope: "@you", repository: undefined });
  expect([...documents.keys()].sort()).toEqual([
    "README.md",
    "docs/conformance.md",
    "docs/write-a-backend.md",
  ]);
  expect(documents.get("README.md")).toContain("(docs/conformance.md)");
});

describe("a package", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "mamba-release-test-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const write = (files: Record<string, string | Uint8Array>) => {
    for (const [path, content] of Object.entries({ "package.json": '{ "name": "@you/core" }', ...files })) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content);
    }
    return () => checkPackage(folder, "@you");
  };

  it("passes when nothing of the workspace is left in it", () => {
    const check = write({ "README.md": "# A title\n[x](#a-title) [y](dist/x.js)", "dist/x.js": "@mamba-2" });
    expect(check()).toEqual({ name: "@you/core" });
  });

  it.each([
    ["package.json", '{ "name": "core" }', /its name is core/],
    ["package.json", '{ "name": "@you/core", "scripts": {} }', /it has scripts/],
    ["dist/index.js", 'import "@mamba/kernel";', /dist\/index.js: it names the workspace's scope/],
    ["native.node", Buffer.from([255, 254, ...Buffer.from("@mamba/core"), 0]), /native.node: it names/],
    ["dist/deep.json", '{ "x": "workspace:^" }', /workspace:/],
    ["README.md", "[x](docs/x.md)", /README.md: the link to docs\/x.md leads nowhere/],
    ["README.md", "[x](#nothing)", /README.md: there is no heading for #nothing/],
  ])("with %s that has %j is refused", (path, content, message) => {
    expect(write({ [path]: content })).toThrow(message);
  });

  it("is not packed into a folder that holds something else", () => {
    write({ "photo.jpg": "" });
    const options = { scope: "@you", cli: "mamba", repository: undefined, out: folder, native: true };
    expect(() => packRelease(options)).toThrow(/holds something else, /);
    expect(readdirSync(folder)).toContain("photo.jpg");
  });
});

it("versions must agree", () => {
  const kernel = { name: "@you/kernel", version: "1.2.3" };
  const core = (range: string, version = "1.2.3") => ({
    ...{ name: "@you/core", version },
    dependencies: { "@you/kernel": range, other: "*" },
  });
  checkVersions([kernel, core("^1.2.3")], "@you");
  expect(() => checkVersions([kernel, core("^1.2.3", "1.2.4")], "@you")).toThrow(/different versions/);
  expect(() => checkVersions([kernel, core("^1.2.2")], "@you")).toThrow(
    /at \^1.2.2, which is released at 1.2.3/,
  );
  expect(() => checkVersions([core("^1.2.3")], "@you")).toThrow(
    /depends on @you\/kernel, which is not released/,
  );
});

it.each(published)("$name is not published from the workspace", async ({ folder }) => {
  const { scripts } = (await import(`${root}${folder}/package.json`, { with: { type: "json" } })) as {
    scripts: Record<string, string>;
  };
  expect(scripts["prepublishOnly"]).toBe("node ../../tooling/release/refusePublish.mjs");
});
