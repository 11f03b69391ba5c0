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
import { missingCompiler } from "./cuda-host/build.mjs";
import { documents, type Example, examplesOf } from "./readme.ts";
import { run } from "./run.ts";
import { root, workspacePackages } from "./workspace.mjs";

// Every example in a document is type-checked and run against the built packages, in a folder of its own that also holds
// `my-model`, a tiny checkpoint with random weights, and `my-chat-model`, the chat model of the recipes. JavaScript runs as it stands, on the Node that runs the tests.

const packages = workspacePackages().filter((found) => found.public);
const cache = `${root}node_modules/.cache/mamba`;
mkdirSync(cache, { recursive: true });
const folder = mkdtempSync(join(cache, "readme-"));
const mamba = `${root}apps/cli/dist/main.js`;

const readmes = documents().map((path) => ({
  path,
  examples: examplesOf(readFileSync(`${root}${path}`, "utf8")),
}));
const required = (process.env["MAMBA_REQUIRE_BACKENDS"] ?? "").split(",");

/** The environment in which a backend works here, or the reason why it does not. */
const backends = {
  async webgpu() {
    // In a process of its own: a driver may end the process that loads it.
    const output = await run(root, process.execPath, [mamba, "backends", "webgpu", "--json"]);
    const [found] = JSON.parse(output) as [{ ok: boolean; reason: string }];
    return found.ok || required.includes("webgpu") ? {} : found.reason;
  },
  async cuda() {
    const missing = missingCompiler();
    if (missing !== undefined && !required.includes("cuda-host")) return missing;
    const driver = await run(root, process.execPath, ["tooling/cuda-host/build.mjs"]);
    return { MAMBA_CUDA_DRIVER: driver.trim() };
  },
};

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
  symlinkSync(`${root}recipes/chat/demo-model`, join(folder, "my-chat-model"), "junction");
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

it.each(packages)("$name has a README", ({ folder }) => {
  expect(existsSync(`${root}${folder}/README.md`)).toBe(true);
});

/** Errors of the syntax and, when it runs, of the types. */
function errorsOf(source: string, { language, run }: Example): string[] {
  const options = { ...compilerOptions, outDir: folder, noImplicitAny: language === "ts" };
  const program = ts.createProgram([source], options);
  const found = run ? [...ts.getPreEmitDiagnostics(program)] : [...program.getSyntacticDiagnostics()];
  if (run && language === "ts") found.push(...program.emit().diagnostics);
  return found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
}

for (const { path, examples } of readmes.filter(({ examples }) => examples.length > 0)) {
  describe(path, () => {
    it.for(examples)("line $line, $language", async (example, { skip }) => {
      const { language, code, line, needs } = example;
      if (language === "sh") {
        await run(folder, "sh", ["-euc", code], {
          PATH: `${folder}/node_modules/.bin:${process.env["PATH"]}`,
        });
        return;
      }
      // Node 20 and 22 do not know these declarations.
      expect(code).not.toMatch(/^\s*(?:await )?using \w/m);
      const name = `${path.replaceAll("/", "-")}-${line}`;
      // An empty export makes top-level await legal in a block without imports.
      writeFileSync(join(folder, `${name}.ts`), `${code}\nexport {};\n`);
      expect(errorsOf(join(folder, `${name}.ts`), example)).toEqual([]);
      if (!example.run) return;
      const env = needs === undefined ? {} : await backends[needs]();
      if (typeof env === "string") skip(`no backend ${needs} here: ${env}`);
      else {
        if (language === "js") writeFileSync(join(folder, `${name}.js`), `${code}\n`);
        await run(folder, process.execPath, [join(folder, `${name}.js`)], env);
      }
    });
  });
}
