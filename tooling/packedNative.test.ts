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
import { afterAll, beforeAll, expect, it } from "vitest";
import { run } from "./run.ts";
import { root } from "./workspace.mjs";

// A package that holds only a binary must not be packed without it, nor published with a part of it. The tests use a copy of the two
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

it("is not published without machine code for every architecture, nor when that is old", async () => {
  const publish = () => run(platform, process.execPath, ["prepublish.mjs"]);
  const found = JSON.parse(readFileSync(table, "utf8")) as { architectures: number[] };
  const all = [75, 80, 86, 89, 90, 100, 120];
  const write = (change: object) => writeFileSync(table, JSON.stringify({ ...found, ...change }));
  write({ architectures: all });
  await publish();
  write({ architectures: all.slice(0, -1) });
  await expect(publish()).rejects.toThrow(/have no code for 120: run pnpm/);
  write({ architectures: all, digest: "of other sources" });
  await expect(publish()).rejects.toThrow(/are older than their sources: run pnpm/);
  rmSync(table);
  await expect(publish()).rejects.toThrow(/have no code for 75, 80/);
});
