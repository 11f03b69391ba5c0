import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { transform } from "esbuild";
import { bundlers, gzippedKilobytes, nodeImports, runInChromium, scriptsOf } from "./bundle.ts";
import { checkNames, runCheck, writeChecks } from "./compat/runChecks.mjs";
import { thisNode } from "./compat/runtimes.mjs";
import { findChromium, webgpuArgs } from "./chromium.mjs";
import { missingCompiler } from "./cuda-host/build.mjs";
import { packRelease } from "./release/packRelease.mjs";
import { renameScope } from "./release/rename.mjs";
import { run, tool } from "./run.ts";
import { root, workspacePackages } from "./workspace.mjs";

// Packs a release as its publisher would, checks the tarballs one by one, then installs them with npm into an empty project
// outside the workspace, as a user would.

const scope = "@release-check";
const cli = "mamba-check";
const folder = mkdtempSync(join(tmpdir(), "mamba-packed-"));
const project = join(folder, "project");
// A package with a binary can be packed where there is a compiler.
const noCompiler = missingCompiler();
const options = { scope, cli, repository: undefined, out: join(folder, "tarballs"), native: !noCompiler };
const packages = workspacePackages().filter((found) => found.public && !(found.native && noCompiler));
const tarballs = new Map<string, string>();
const required = (process.env["MAMBA_REQUIRE_BACKENDS"] ?? "").split(",");
const chromium = findChromium();
const mamba = join(project, "node_modules/.bin", cli);
/**
 * Text that one script alone holds: the start of a gzipped module in base64, an attribute of WGSL, a message. The
 * quantisers are fetched when an adapter is merged into quantised weights.
 */
const marks = {
  cpu: "H4sIAAAAAAAC",
  webgpu: "@workgroup_size",
  quantizers: "need a scale beyond the range of f16",
};
/** The largest size of core, kernel and the WebGPU backend together, gzipped. */
const webgpuKilobytes = 98.8;

const entries = workspacePackages()
  .filter((found) => found.public)
  .flatMap((found) => [...found.entries.keys()])
  .map((name) => renameScope(name, scope));

/** Strict about the declarations: they must be right without help from @types/node or skipLibCheck. */
const strict = { target: "ES2022", strict: true, skipLibCheck: false, types: [] };
const withoutDom = ["ES2022", "ESNext.Disposable"];

beforeAll(() => {
  for (const { workspaceName, tarball } of packRelease(options)) tarballs.set(workspaceName, tarball);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function tarball(name: string): string {
  const found = tarballs.get(name);
  if (found === undefined) throw new Error(`${name} was not packed`);
  return found;
}

if (noCompiler !== undefined) it.skip(`packages with binaries are packed (${noCompiler})`, () => undefined);

describe.each(packages)("tarball of $name", ({ name }) => {
  it("passes publint --strict", async () => {
    await run(root, tool("publint"), ["--strict", tarball(name)]);
  });

  it("has types that resolve (attw)", async () => {
    await run(root, tool("attw"), [tarball(name), "--profile", "esm-only"]);
  });
});

describe("a project outside the workspace", () => {
  beforeAll(async () => {
    mkdirSync(project);
    const consumer = readFileSync(join(import.meta.dirname, "consumer.ts"), "utf8");
    writeFileSync(join(project, "index.ts"), renameScope(consumer, scope));
    writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
    await run(project, "npm", ["install", "--no-audit", "--no-fund", ...tarballs.values()]);
  });

  const typeCheck = async (options: object, file: string) => {
    const compilerOptions = { ...strict, ...options };
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files: [file] }));
    await run(project, tool("tsc"), ["-p", "."]);
  };

  it("compiles and runs a program that generates a token", async () => {
    await typeCheck({ module: "nodenext", lib: [...withoutDom, "DOM"], outDir: "out" }, "index.ts");
    const output = JSON.parse(await run(project, process.execPath, ["out/index.js"])) as unknown;
    expect(output).toContainEqual({ backend: "cpu", ids: [expect.any(Number)] });
  });

  // The README says the same about what a TypeScript project needs.
  const plain = /\/(kernel|kernel-cpu|kernel-cuda|conformance|core\/safetensors)(\/author|\/quantize)?$/;
  it.each([
    {
      what: "ES2022 and ESNext.Disposable, for entries of the kernels",
      only: plain,
      options: { module: "node16", lib: withoutDom },
    },
    {
      what: "@types/node, for all entries but that of WebGPU",
      only: /^(?!.*webgpu)/,
      options: { module: "esnext", moduleResolution: "bundler", lib: withoutDom, types: ["node"] },
    },
    { what: "DOM in Node", options: { module: "node16", lib: [...withoutDom, "DOM"] } },
    {
      what: "DOM in a bundler for browsers",
      options: {
        ...{ module: "esnext", moduleResolution: "bundler", customConditions: ["browser"] },
        lib: [...withoutDom, "DOM"],
      },
      // Only the entry for browsers has it.
      also: `export { blobFiles } from "${scope}/checkpoint";\n`,
    },
  ])("has declarations that compile with $what", async ({ only = /./, options, also = "" }) => {
    const chosen = entries.filter((name) => only.test(name));
    expect(chosen.length).toBeGreaterThan(4);
    const lines = chosen.map((name, i) => `export * as entry${i} from ${JSON.stringify(name)};\n`);
    writeFileSync(join(project, "entries.ts"), lines.join("") + also);
    await typeCheck({ ...options, noEmit: true, typeRoots: [`${root}node_modules/@types`] }, "entries.ts");
  });

  it("imports every entry of every package", async () => {
    expect(entries).toContain(`${scope}/core/safetensors`);
    const program = `const names = ${JSON.stringify(entries)};
      for (const name of names) if (Object.keys(await import(name)).length === 0) throw new Error(name);`;
    await run(project, process.execPath, ["--input-type=module", "-e", program]);
  });

  describe("a runtime, with this Node for the others", () => {
    beforeAll(async () => {
      await run(project, mamba, ["init", "tiny", "model"]);
      writeChecks(project, scope);
    });

    it.each(checkNames)("%s", async (name) => {
      expect(await runCheck(project, thisNode, name)).toMatchObject({ ok: true });
    });
  });

  describe("the CUDA backend", () => {
    const binary = `${scope}/kernel-cuda-linux-x64-gnu`;
    const there = join(project, "node_modules", binary);
    const ask = async (env = {}) => {
      const [found] = JSON.parse(await run(project, mamba, ["backends", "cuda", "--json"], env)) as [
        { ok: boolean; code?: string },
      ];
      return found;
    };
    const refuse = (text: string) =>
      expect(run(project, mamba, ["generate", "Hello", "--model=model", "--backend=cuda"])).rejects.toThrow(
        text,
      );

    it.skipIf(noCompiler)("has its binary, and says what it lacks beyond", async () => {
      expect(readdirSync(there).sort()).toEqual(["LICENSE", "README.md", "mamba-cuda.node", "package.json"]);
      const found = await ask();
      if (!found.ok) expect(["DRIVER", "NO_DEVICE", "LIMITS"]).toContain(found.code);
    });

    const published = process.platform === "linux" && process.arch === "x64";
    it.runIf(published)("says how to get its binary when that was left out", async () => {
      if (!noCompiler) renameSync(there, `${there}-away`);
      try {
        expect(await ask()).toMatchObject({
          ...{ code: "NOT_INSTALLED", reason: `the package ${binary} is not installed` },
          remedy: expect.stringContaining("--omit=optional") as string,
        });
        await refuse(
          `backend cuda: the package ${binary} is not installed; install again without --omit=optional`,
        );
      } finally {
        if (!noCompiler) renameSync(`${there}-away`, there);
      }
    });

    it.each([
      ["win32", "x64", "win32-x64", "WSL 2"],
      ["darwin", "arm64", "darwin-arm64", "another backend"],
      ["linux", "arm64", "linux-arm64-gnu", "build it from source"],
    ])("says which package is missing on %s, %s", async (platform, arch, suffix, remedy) => {
      const disguise = Object.entries({ platform, arch }).map(
        ([name, value]) => `Object.defineProperty(process, "${name}", { value: "${value}" });`,
      );
      const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(disguise.join(""))}`;
      expect(await ask({ NODE_OPTIONS })).toMatchObject({
        ...{ ok: false, code: "NOT_INSTALLED" },
        reason: expect.stringContaining(`there is no package ${scope}/kernel-cuda-${suffix}`) as string,
        remedy: expect.stringContaining(remedy) as string,
      });
    });
  });

  it("has a working command, which says its name", async () => {
    expect(await run(project, mamba, ["--help"])).toContain(`Usage: ${cli} `);
    await run(project, mamba, ["init", "tiny", "other-model"]);
    const args = [
      "generate",
      "--model",
      "other-model",
      "--backend=cpu",
      "--max-tokens",
      "4",
      "--json",
      "Hello",
    ];
    const output = JSON.parse(await run(project, mamba, args)) as unknown;
    const ids = Array.from({ length: 4 }, () => expect.any(Number) as number);
    expect(output).toMatchObject({ backend: { name: "cpu" }, promptIds: [72, 101, 108, 108, 111], ids });
  });

  it("says how to get WebGPU in Node, and finds it when it is there", async () => {
    const ask = async () =>
      JSON.parse(await run(project, mamba, ["backends", "webgpu", "--json"])) as unknown;
    expect(await ask()).toMatchObject([{ code: "NOT_INSTALLED", remedy: "npm install webgpu" }]);
    const dawn = join(project, "node_modules/webgpu");
    symlinkSync(join(root, "apps/cli/node_modules/webgpu"), dawn, "junction");
    try {
      expect(await ask()).not.toMatchObject([{ code: "NOT_INSTALLED" }]);
    } finally {
      rmSync(dawn);
    }
  });

  describe.each(Object.entries(bundlers))("bundled with %s", (name, bundle) => {
    const out = join(project, "bundles", name);

    it("needs no module of Node and no setting, and says its size", async () => {
      const { code } = await transform(readFileSync(join(project, "index.ts"), "utf8"), { loader: "ts" });
      writeFileSync(join(project, "app.js"), code);
      expect(await bundle(project, "app.js", out)).toEqual([]);
      const scripts = scriptsOf(out);
      expect([...scripts.values()].flatMap(nodeImports)).toEqual([]);
      // Each backend is behind an import() of its own, so that a page fetches only the one that it uses.
      const size = (name: keyof typeof marks) => {
        const [script, ...others] = [...scripts.values()].filter((script) => script.includes(marks[name]));
        expect(others).toEqual([]);
        return gzippedKilobytes([script ?? ""]);
      };
      const [cpu, webgpu, quantizers] = [size("cpu"), size("webgpu"), size("quantizers")];
      const models = gzippedKilobytes(scripts.values()) - cpu - webgpu - quantizers;
      const sums = {
        "core and kernel": models,
        "with WebGPU": models + webgpu,
        "with the CPU": models + cpu,
        quantisers: quantizers,
      };
      const words = Object.entries(sums).map(([what, kilobytes]) => `${what} ${kilobytes.toFixed(1)} kB`);
      console.log(`${name}, gzipped: ${words.join(", ")}`);
      expect(webgpu).toBeGreaterThan(5);
      expect(models).toBeLessThan(39.2);
      expect(models + webgpu).toBeLessThanOrEqual(webgpuKilobytes);
      expect(models + cpu).toBeLessThan(181.3);
      // The program has a language model; the parameters of the other models are not in its bundle.
      for (const script of scripts.values()) expect(script).not.toMatch(/patch_embed|input_proj/);
    });

    const withoutChromium = chromium === undefined && !required.includes("chromium");
    it.skipIf(withoutChromium).each([
      ["where there is no GPU", [], ["cpu"]],
      ["on WebGPU and the CPU", webgpuArgs, ["webgpu", "cpu"]],
    ])("runs in Chromium, %s", async (_, args, expected) => {
      if (chromium === undefined) throw new Error("Chromium is required, and there is none");
      const written = JSON.parse(await runInChromium(chromium, out, args)) as {
        backend: string;
        ids: number[];
      }[];
      expect(written.map(({ backend }) => backend)).toEqual(expected);
      for (const { ids } of written) expect(ids).toEqual([expect.any(Number)]);
      expect(new Set(written.map(({ ids }) => ids[0]))).toHaveProperty("size", 1); // the same token everywhere
    });
  });
});
