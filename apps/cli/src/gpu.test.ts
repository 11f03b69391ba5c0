import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { probeApart, showsGpu, signsOfGpus } from "./gpu.ts";
import type { Host } from "./host.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mamba-gpu-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** What asking says when the asked process runs this script. */
async function ask(script: string, signal = new AbortController().signal) {
  const program = join(folder, "program.mjs");
  await writeFile(program, script);
  return probeApart("webgpu", { program, signal } as unknown as Host);
}

test("the answer of the other process is passed on, without what its driver prints", async () => {
  const script = `console.error("Warning: no drivers");
    console.log(JSON.stringify([{ name: process.argv[3], ok: true, device: process.argv.slice(2).join(" ") }]));`;
  expect(await ask(script)).toEqual({ ok: true, device: "backends webgpu --json" });
});

test("a driver that ends the process is a reason", async () => {
  const died = await ask("process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 1000);");
  expect(died).toMatchObject({
    ok: false,
    code: "DRIVER",
    reason: expect.stringContaining("SIGKILL") as string,
  });
  const failed = await ask("console.error('libvulkan: no'); process.exit(3);");
  expect(failed).toMatchObject({ reason: expect.stringMatching(/exit code 3: libvulkan: no$/) as string });
});

test("Ctrl-C ends the wait", async () => {
  const reason = new Error("enough");
  await expect(ask("setInterval(() => {}, 1000);", AbortSignal.abort(reason))).rejects.toBe(reason);
});

test("each sign of a GPU is enough on Linux, and none is needed elsewhere", () => {
  for (const sign of signsOfGpus) expect(showsGpu("linux", (path) => path === sign)).toBe(true);
  expect(showsGpu("linux", () => false)).toBe(false);
  expect(showsGpu("win32", () => false)).toBe(true);
  expect(signsOfGpus).toContain("/dev/nvidiactl");
});
