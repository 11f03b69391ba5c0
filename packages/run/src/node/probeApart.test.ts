import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { probeBackend } from "../index.ts";
import { probeApart, showsGpu, signsOfGpus } from "./probeApart.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mamba-gpu-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** The result of a probe whose process runs this script. */
async function probe(script: string, signal?: AbortSignal) {
  const program = join(folder, "program.mjs");
  await writeFile(program, script);
  return probeApart(signal, program);
}

test("the result of the other process is passed on, without the output of its driver", async () => {
  const script = `console.error("Warning: no drivers");
    console.log(JSON.stringify({ ok: true, device: process.argv.slice(2).join(" ") || "a GPU" }));`;
  expect(await probe(script)).toEqual({ ok: true, device: "a GPU" });
});

test("a driver that ends the process is unavailable, with the reason", async () => {
  const died = await probe("process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 1000);");
  expect(died).toMatchObject({
    ok: false,
    code: "DRIVER",
    reason: expect.stringContaining("SIGKILL") as string,
  });
  const failed = await probe("console.error('libvulkan: no'); process.exit(3);");
  expect(failed).toMatchObject({ reason: expect.stringMatching(/exit code 3: libvulkan: no$/) as string });
});

test("the program of this package gives an availability", async () => {
  const { name, availability } = await probeBackend("webgpu");
  expect(name).toBe("webgpu");
  // A driver that is not there is no failure of the program.
  if (!availability.ok) expect(availability.reason).not.toContain("the process that tried");
});

test("a signal ends the wait", async () => {
  const reason = new Error("enough");
  await expect(probe("setInterval(() => {}, 1000);", AbortSignal.abort(reason))).rejects.toBe(reason);
});

test("each sign of a GPU is enough on Linux, and none is needed elsewhere", () => {
  for (const sign of signsOfGpus) expect(showsGpu("linux", (path) => path === sign)).toBe(true);
  expect(showsGpu("linux", () => false)).toBe(false);
  expect(showsGpu("win32", () => false)).toBe(true);
  expect(signsOfGpus).toContain("/dev/nvidiactl");
});
