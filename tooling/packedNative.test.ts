import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { run } from "./run.ts";
import { root } from "./workspace.mjs";

// A package that holds only a binary must not be packed without it, nor released with a part of it. The tests use a copy of the two
// packages that make it, in which nothing is built.

const folder = mkdtempSync(join(tmpdir(), "mamba-native-"));
const source = join(folder, "kernel-cuda");
const platform = join(folder, "kernel-cuda-linux-x64-gnu");
const table = join(source, "generated/kernels.json");

beforeAll(() => {
  mkdirSync(source);
  for (const name of ["cuda", "native", "scripts", "generated", "package.json"]) {
    cpSync(join(root, "packages/kernel-cuda", name), join(source, name), { recursive: true });
  }
  symlinkSync(join(root, "packages/kernel-cuda/node_modules"), join(source, "node_modules"));
  cpSync(join(root, "packages/kernel-cuda-linux-x64-gnu"), platform, {
    recursive: true,
    filter: (path) => !path.endsWith(".node"),
  });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("is not packed where its binary cannot be built", async () => {
  const { packageManager } = JSON.parse(readFileSync(`${root}package.json`, "utf8")) as {
    packageManager: string;
  };
  const packing = run(platform, "npx", ["--yes", packageManager, "pack", "--pack-destination", folder], {
    CXX: "/nonexistent",
  });
  await expect(packing).rejects.toThrow(
    /this package cannot be built: there is no C\+\+ compiler|this package is for linux on x64/,
  );
  expect(readdirSync(folder).filter((name) => name.endsWith(".tgz"))).toEqual([]);
});

it("is not released without machine code for every architecture, nor when that is old", async () => {
  const program = `import { lackOfKernels } from ${JSON.stringify(pathToFileURL(join(source, "scripts/buildKernels.mjs")))};
    console.log(lackOfKernels() ?? "nothing");`;
  const lack = () => run(platform, process.execPath, ["--input-type=module", "-e", program]);
  const found = JSON.parse(readFileSync(table, "utf8")) as { architectures: number[] };
  const all = [75, 80, 86, 89, 90, 100, 120];
  const write = (change: object) => writeFileSync(table, JSON.stringify({ ...found, ...change }));
  write({ architectures: all });
  expect(await lack()).toBe("nothing\n");
  write({ architectures: all.slice(0, -1) });
  expect(await lack()).toBe("have no code for 120\n");
  write({ architectures: all, digest: "of other sources" });
  expect(await lack()).toBe("are older than their sources\n");
  rmSync(table);
  expect(await lack()).toMatch(/^have no code for 75, 80/);
});
