import { spawn } from "node:child_process";
import { mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { replaceFile } from "./replaceFiles.ts";
import { isTemporary, sweepTemporary, temporaryPath } from "./temporaryFiles.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "mamba-files-"));
  onTestFinished(() => rm(folder, { recursive: true }));
});

const module = JSON.stringify(new URL("./index.ts", import.meta.url).href);

test("the file of a killed process is deleted by the next write, that of a running one stays", async () => {
  // The child writes half of a file and then waits to be killed. It runs the sources, which are plain TypeScript.
  const code = `
    import { createServer } from "vite";
    const server = await createServer({ configFile: false, server: { middlewareMode: true }, logLevel: "silent" });
    const { replaceFile } = await server.ssrLoadModule(new URL(${module}).pathname);
    async function* half() { yield new Uint8Array(100); console.log("half"); await new Promise((r) => setTimeout(r, 60000)); }
    await replaceFile(${JSON.stringify(join(folder, "model"))}, half());`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], {
    cwd: import.meta.dirname,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const closed = new Promise((resolve) => child.once("close", resolve));
  await new Promise((resolve) => child.stdout.once("data", resolve));
  expect((await readdir(folder)).filter(isTemporary)).toHaveLength(1);
  await replaceFile(join(folder, "other"), new Uint8Array(1));
  expect((await readdir(folder)).filter(isTemporary)).toHaveLength(1);
  child.kill("SIGKILL");
  await closed;
  await replaceFile(join(folder, "other"), new Uint8Array(2));
  expect(await readdir(folder)).toEqual(["other"]);
});

test("names of this process stay; a reused process id, and an old file of another machine, are stale", async () => {
  const own = temporaryPath(join(folder, "a"));
  expect(own).not.toBe(temporaryPath(join(folder, "a")));
  expect(isTemporary(basename(own))).toBe(true);
  const [, pid, start, host] = /\.(\d+)-(\w+)-(\w+)-\w+\.tmp$/.exec(own)!;
  const name = (owner: string) => `.a.${owner}-0123456789ab.tmp`;
  const elsewhere = name(`1-${start}-00000000`);
  const old = name(`2-${start}-00000000`);
  const names = [basename(own), elsewhere, old, ".a.0123456789ab.tmp", "a.tmp"];
  if (process.platform === "linux") names.push(name(`${pid}-00000000-${host}`));
  for (const each of names) await writeFile(join(folder, each), "x");
  const yesterday = new Date(Date.now() - 25 * 60 * 60 * 1000);
  await utimes(join(folder, old), yesterday, yesterday);
  await sweepTemporary(folder);
  expect((await readdir(folder)).sort()).toEqual(
    [basename(own), elsewhere, ".a.0123456789ab.tmp", "a.tmp"].sort(),
  );
  await sweepTemporary(join(folder, "missing"));
});

test("long names stay below the limit of the file system", async () => {
  const name = `${"x".repeat(250)}.bin`;
  await replaceFile(join(folder, name), new Uint8Array(1));
  expect(await readdir(folder)).toEqual([name]);
});
