import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { transform } from "esbuild";
import { bundlers, gzippedKilobytes, nodeImports, runInChromium, scriptsOf } from "./bundle.ts";
import { findChromium } from "./chromium.mjs";
import { publicPackages, root, run, tool } from "./packages.ts";

// What users get: the packed tarballs, checked one by one and then installed with npm into an empty project outside the
// workspace.

const folder = mkdtempSync(join(tmpdir(), "mamba-packed-"));
const tarballs = join(folder, "tarballs");
const project = join(folder, "project");
const packages = publicPackages();
const required = (process.env["MAMBA_REQUIRE_BACKENDS"] ?? "").split(",");
const chromium = findChromium();
/** How a WebAssembly module begins in base64. */
const wasmStart = "AGFzbQ";

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
    await run(folder, "npx", ["--yes", packageManager, "pack", "--pack-destination", tarballs]);
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
    expect(output).toEqual({ backend: "cpu", ids: [expect.any(Number)] });
  });

  it("has a working `mamba` command", async () => {
    const mamba = join(project, "node_modules/.bin/mamba");
    await run(project, mamba, ["init", "tiny", "model"]);
    const args = ["generate", "--model", "model", "--max-tokens", "4", "--json", "Hello"];
    const output = JSON.parse(await run(project, mamba, args)) as unknown;
    const ids = Array.from({ length: 4 }, () => expect.any(Number) as number);
    expect(output).toMatchObject({ backend: { name: "cpu" }, promptIds: [72, 101, 108, 108, 111], ids });
  });

  describe.each(Object.entries(bundlers))("bundled with %s", (name, bundle) => {
    const out = join(project, "bundles", name);

    it("needs no module of Node and no setting, and says its size", async () => {
      const { code } = await transform(readFileSync(join(project, "index.ts"), "utf8"), { loader: "ts" });
      writeFileSync(join(project, "app.js"), code);
      expect(await bundle(project, "app.js", out)).toEqual([]);
      const scripts = scriptsOf(out);
      expect([...scripts.values()].flatMap(nodeImports)).toEqual([]);
      // The backend is behind an import() of its own, so that a page fetches only the one that it uses.
      const backend = [...scripts.values()].filter((script) => script.includes(wasmStart));
      expect(backend).toHaveLength(1);
      const all = gzippedKilobytes(scripts.values());
      const models = all - gzippedKilobytes(backend);
      console.log(
        `${name}: core and kernel ${models.toFixed(1)} kB gzipped, with the CPU ${all.toFixed(1)} kB`,
      );
      expect(models).toBeLessThan(20);
      expect(all).toBeLessThan(100);
    });

    it.skipIf(chromium === undefined && !required.includes("chromium"))("runs in Chromium", async () => {
      if (chromium === undefined) throw new Error("Chromium is required, and there is none");
      const output = JSON.parse(await runInChromium(chromium, out)) as unknown;
      expect(output).toEqual({ backend: "cpu", ids: [expect.any(Number)] });
    });
  });
});
