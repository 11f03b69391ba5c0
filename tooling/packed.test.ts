import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { transform } from "esbuild";
import { bundlers, gzippedKilobytes, nodeImports, runInChromium, scriptsOf } from "./bundle.ts";
import { findChromium, webgpuArgs } from "./chromium.mjs";
import { missingCompiler } from "./cuda-host/build.mjs";
import { run, tool } from "./run.ts";
import { root, workspacePackages } from "./workspace.mjs";

// Checks the packed tarballs one by one, then installs them with npm into an empty project outside the workspace, as a user
// would.

const folder = mkdtempSync(join(tmpdir(), "mamba-packed-"));
const tarballs = join(folder, "tarballs");
const project = join(folder, "project");
// A package with a binary can be packed where there is a compiler.
const noCompiler = missingCompiler();
const packages = workspacePackages().filter((found) => found.public && !(found.native && noCompiler));
const required = (process.env["MAMBA_REQUIRE_BACKENDS"] ?? "").split(",");
const chromium = findChromium();
const mamba = join(project, "node_modules/.bin/mamba");
/** Text that only the script of one backend holds: the start of a WebAssembly module in base64, an attribute of WGSL. */
const marks = { cpu: "AGFzbQ", webgpu: "@workgroup_size" };
/** The largest size of core, kernel and the WebGPU backend together, gzipped. */
const webgpuKilobytes = 60;

// Strict about the packages' declarations: they must be right without help from @types/node or skipLibCheck.
const compilerOptions = {
  target: "ES2022",
  lib: ["ES2022", "ESNext.Disposable", "DOM"],
  module: "nodenext",
  strict: true,
  skipLibCheck: false,
  types: [],
  outDir: "out",
};

beforeAll(async () => {
  const { packageManager } = JSON.parse(readFileSync(`${root}package.json`, "utf8")) as {
    packageManager: string;
  };
  mkdirSync(tarballs);
  for (const { folder } of packages) {
    await run(root + folder, "npx", ["--yes", packageManager, "pack", "--pack-destination", tarballs]);
  }
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** `@mamba/kernel` is packed as mamba-kernel-1.2.3.tgz. */
function tarball(name: string): string {
  const pattern = new RegExp(`^${name.replace("@", "").replace("/", "-")}-\\d.*\\.tgz$`);
  const found = readdirSync(tarballs).filter((file) => pattern.test(file));
  expect(found).toHaveLength(1);
  return join(tarballs, found[0]!);
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
    cpSync(join(import.meta.dirname, "consumer.ts"), join(project, "index.ts"));
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["index.ts"] }));
    writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
    await run(project, "npm", [
      "install",
      "--no-audit",
      "--no-fund",
      ...packages.map(({ name }) => tarball(name)),
    ]);
  });

  it("type-checks against the packages with moduleResolution nodenext, and generates a token", async () => {
    await run(project, tool("tsc"), ["-p", "."]);
    const output = JSON.parse(await run(project, process.execPath, ["out/index.js"])) as unknown;
    expect(output).toContainEqual({ backend: "cpu", ids: [expect.any(Number)] });
  });

  it("imports every entry of every package", async () => {
    const entries = workspacePackages()
      .filter((workspace) => workspace.public)
      .flatMap((workspace) => [...workspace.entries.keys()]);
    expect(entries).toContain("@mamba/core/safetensors");
    const program = `const names = ${JSON.stringify(entries)};
      for (const name of names) if (Object.keys(await import(name)).length === 0) throw new Error(name);`;
    await run(project, process.execPath, ["--input-type=module", "-e", program]);
  });

  describe("the CUDA backend", () => {
    const binary = "@mamba/kernel-cuda-linux-x64-gnu";
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
          remedy: expect.stringContaining(`npm install ${binary}`) as string,
        });
        await refuse(`backend cuda: the package ${binary} is not installed; npm install ${binary}`);
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
        reason: expect.stringContaining(`there is no package @mamba/kernel-cuda-${suffix}`) as string,
        remedy: expect.stringContaining(remedy) as string,
      });
    });
  });

  it("has a working `mamba` command", async () => {
    await run(project, mamba, ["init", "tiny", "model"]);
    const args = ["generate", "--model", "model", "--backend=cpu", "--max-tokens", "4", "--json", "Hello"];
    const output = JSON.parse(await run(project, mamba, args)) as unknown;
    const ids = Array.from({ length: 4 }, () => expect.any(Number) as number);
    expect(output).toMatchObject({ backend: { name: "cpu" }, promptIds: [72, 101, 108, 108, 111], ids });
  });

  it("has WebGPU with it, and says how to get it when it was left out", async () => {
    const dawn = join(project, "node_modules/webgpu");
    const ask = async () =>
      JSON.parse(await run(project, mamba, ["backends", "webgpu", "--json"])) as unknown;
    expect(await ask()).not.toMatchObject([{ code: "NOT_INSTALLED" }]);
    renameSync(dawn, `${dawn}-away`);
    try {
      expect(await ask()).toMatchObject([{ code: "NOT_INSTALLED", remedy: "npm install webgpu" }]);
    } finally {
      renameSync(`${dawn}-away`, dawn);
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
      const [cpu, webgpu] = [size("cpu"), size("webgpu")];
      const models = gzippedKilobytes(scripts.values()) - cpu - webgpu;
      const sums = {
        "core and kernel": models,
        "with WebGPU": models + webgpu,
        "with the CPU": models + cpu,
      };
      const words = Object.entries(sums).map(([what, kilobytes]) => `${what} ${kilobytes.toFixed(1)} kB`);
      console.log(`${name}, gzipped: ${words.join(", ")}`);
      expect(webgpu).toBeGreaterThan(5);
      expect(models).toBeLessThan(20);
      expect(models + webgpu).toBeLessThanOrEqual(webgpuKilobytes);
      expect(models + cpu).toBeLessThan(100);
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
