import { readFileSync } from "node:fs";
import { ESLint } from "eslint";
import { describe, expect, it } from "vitest";
import { sourceImports } from "./arrows.mjs";
import { root, workspacePackages } from "./workspace.mjs";

const packages = workspacePackages();
const eslint = new ESLint({
  cwd: root,
  overrideConfig: { languageOptions: { parserOptions: { projectService: false } } },
  ruleFilter: ({ ruleId }) => ruleId.startsWith("no-restricted-"),
});

/** True when lint reports `import "module"`; `import("module")` must give the same. */
async function reports(file: string, module: string): Promise<boolean> {
  const found = await Promise.all(
    [`import "${module}";\n`, `await import("${module}");\n`].map(async (code) => {
      const [result] = await eslint.lintText(code, { filePath: `${root}${file}` });
      const messages = result?.messages ?? [];
      expect(messages.filter((message) => message.fatal)).toEqual([]);
      return messages.length > 0;
    }),
  );
  expect(found[0]).toBe(found[1]);
  return found[0] === true;
}

describe("the lint rules follow the package.jsons", () => {
  it.each(packages)("$folder", async (from) => {
    const source = sourceImports(from, packages);
    for (const { name } of packages.filter((other) => other !== from)) {
      const inSource = source.includes(name) && (!from.platform.any || isPortable(name));
      const inTests = source.includes(name) || from.devDependencies.includes(name);
      expect([name, await reports(`${from.folder}/src/x.ts`, name)]).toEqual([name, !inSource]);
      expect([name, await reports(`${from.folder}/test/x.test.ts`, name)]).toEqual([name, !inTests]);
    }
    expect(await reports(`${from.folder}/src/x.ts`, "node:fs")).toBe(from.platform.any);
    expect(await reports(`${from.folder}/src/x.test.ts`, "node:fs")).toBe(false);
  });

  // Spot checks that do not derive from the package.jsons: what the design promises.
  it.each([
    ["packages/kernel/src/x.ts", "@mamba/core"],
    ["packages/kernel/src/x.ts", "fs"],
    ["packages/core/src/deep/x.ts", "node:path"],
    ["packages/core/src/x.ts", "@mamba/kernel-cpu"],
    ["packages/core/src/x.ts", "../../kernel-cpu/src/index.ts"],
    ["packages/core/test/x.test.ts", "../../../packages/kernel-cpu/src/index.ts"],
    ["packages/conformance/src/x.ts", "node:worker_threads"],
    ["packages/train/src/x.ts", "node:fs"],
    ["packages/train/src/x.ts", "@mamba/files"],
    ["packages/train/src/node/x.ts", "@mamba/checkpoint"],
    ["packages/kernel-webgpu/src/x.ts", "node:module"],
    ["packages/kernel-cpu/src/x.ts", "@mamba/core"],
    ["apps/cli/test/x.test.ts", "../../../packages/core/src/index.ts"],
  ])("%s must not import %s", async (file, module) => {
    expect(await reports(file, module)).toBe(true);
  });

  it.each([
    ["packages/core/src/x.ts", "@mamba/kernel"],
    ["packages/core/src/x.ts", "pure-rand"],
    ["packages/core/src/x.ts", "./kernel/x.ts"],
    ["packages/core/test/x.test.ts", "@mamba/conformance"],
    ["packages/train/src/node/x.ts", "node:fs/promises"],
    ["packages/train/src/node/x.ts", "@mamba/files"],
    ["packages/kernel-cpu/src/x.ts", "node:worker_threads"],
    ["apps/cli/src/x.ts", "@mamba/kernel-cpu"],
  ])("%s may import %s", async (file, module) => {
    expect(await reports(file, module)).toBe(false);
  });
});

describe("tsconfig.base.json", () => {
  const { compilerOptions } = JSON.parse(readFileSync(`${root}tsconfig.base.json`, "utf8")) as {
    compilerOptions: { paths: Record<string, string[]> };
  };
  // TypeScript takes the pattern with the longest prefix.
  const patterns = Object.entries(compilerOptions.paths).sort(([a], [b]) => b.length - a.length);

  it.each(packages.flatMap(({ entries }) => [...entries]))("resolves %s to %s", (name, source) => {
    const [pattern = "", [target = ""] = []] =
      patterns.find(([pattern]) => name.startsWith(pattern.replace("*", ""))) ?? [];
    const matched = name.slice(pattern.length - 1);
    expect(target.replace("*", matched)).toBe(`./${source}`);
  });
});

describe("docs/architecture.md", () => {
  const page = readFileSync(`${root}docs/architecture.md`, "utf8");

  it("draws the arrows of the package.jsons", () => {
    const [, picture = ""] = /```mermaid\n([^`]*)```/.exec(page) ?? [];
    const drawn = [...picture.matchAll(/^ +([\w-]+) --> ([\w-]+)$/gm)].map(([line]) => line.trim());
    expect(drawn.sort()).toEqual(arrowsToDraw().sort());
  });

  it("lists every package, and what its tests import beside what its sources import", () => {
    const rows = [...page.matchAll(/^\| `(@mamba\/[^`]+)` +\|[^|]*\| ([^|]*?) +\|$/gm)];
    const listed = rows.map(([, name, others]) => `${name}: ${others}`);
    const wanted = packages.map((from) => {
      const source = sourceImports(from, packages);
      return `${from.name}: ${from.devDependencies
        .filter((name) => !source.includes(name))
        .map(short)
        .join(", ")}`;
    });
    expect(listed.sort()).toEqual(wanted.sort());
  });
});

const isPortable = (name: string) => packages.find((other) => other.name === name)?.platform.any === true;
const short = (name: string) => name.replace("@mamba/", "");

/** The imports of sources, without those that a chain of other arrows implies. */
function arrowsToDraw(): string[] {
  const direct = new Map(packages.map((from) => [from.name, sourceImports(from, packages)]));
  const reaches = (from: string, to: string): boolean =>
    direct.get(from)?.some((next) => next === to || reaches(next, to)) ?? false;
  return [...direct].flatMap(([from, names]) =>
    names
      .filter((to) => !names.some((other) => other !== to && reaches(other, to)))
      .map((to) => `${short(from)} --> ${short(to)}`),
  );
}
