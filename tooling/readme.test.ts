import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { examplesOf } from "./readme.ts";
import { run } from "./run.ts";
import { root, workspacePackages } from "./workspace.mjs";

// Every example in a README is type-checked and run against the built packages, in a folder of its own that also holds
// `my-model`, a tiny checkpoint with random weights.

const packages = workspacePackages().filter((found) => found.public);
const cache = `${root}node_modules/.cache/mamba`;
mkdirSync(cache, { recursive: true });
const folder = mkdtempSync(join(cache, "readme-"));
const mamba = `${root}apps/cli/dist/main.js`;

const readmes = ["", ...packages.map((entry) => `${entry.folder}/`)]
  .map((path) => `${path}README.md`)
  .filter((path) => existsSync(`${root}${path}`))
  .map((path) => ({ path, examples: examplesOf(readFileSync(`${root}${path}`, "utf8")) }));

const compilerOptions: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  lib: ["lib.es2022.d.ts", "lib.esnext.disposable.d.ts", "lib.dom.d.ts"],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  strict: true,
  skipLibCheck: true,
  types: ["node"],
  typeRoots: [`${root}node_modules/@types`],
};

beforeAll(async () => {
  mkdirSync(join(folder, "node_modules/@mamba"), { recursive: true });
  mkdirSync(join(folder, "node_modules/.bin"));
  for (const entry of packages)
    symlinkSync(root + entry.folder, join(folder, "node_modules", entry.name), "junction");
  // `npx mamba` in a shell example.
  symlinkSync(mamba, join(folder, "node_modules/.bin/mamba"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  await run(folder, process.execPath, [mamba, "init", "tiny", "my-model"]);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

it.each(packages)("$name has a README", ({ folder }) => {
  expect(existsSync(`${root}${folder}/README.md`)).toBe(true);
});

for (const { path, examples } of readmes.filter(({ examples }) => examples.length > 0)) {
  describe(path, () => {
    it.each(examples)("line $line runs", async ({ language, code, line }) => {
      if (language === "sh") {
        await run(folder, "sh", ["-euc", code], {
          PATH: `${folder}/node_modules/.bin:${process.env["PATH"]}`,
        });
        return;
      }
      const name = `${path.replaceAll("/", "-")}-${line}`;
      const source = join(folder, `${name}.ts`);
      // An empty export makes top-level await legal in a block without imports.
      writeFileSync(source, `${code}\nexport {};\n`);
      const program = ts.createProgram([source], { ...compilerOptions, outDir: folder });
      const { diagnostics } = program.emit();
      const messages = [...ts.getPreEmitDiagnostics(program), ...diagnostics].map((diagnostic) =>
        ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n"),
      );
      expect(messages).toEqual([]);
      await run(folder, process.execPath, [join(folder, `${name}.js`)]);
    });
  });
}
