import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Availability } from "@mamba/kernel";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mamba } from "./spawn.ts";

// The commands on the WebGPU backend, each in a process that has to end by itself.

/** A software adapter on a busy machine is slow. */
const timeout = 300_000;
const backend = "--backend=webgpu";

const asked = await mamba(["backends", "webgpu", "--json"]);
const [found] = JSON.parse(asked.stdout) as [Availability];
const required = (process.env["MAMBA_REQUIRE_BACKENDS"] ?? "").split(",").includes("webgpu");

let base: string;
let model: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "mamba-webgpu-"));
  model = join(base, "tiny");
  expect(await mamba(["init", "tiny", model])).toMatchObject({ code: 0 });
});
afterAll(() => rm(base, { recursive: true }));

interface Generated {
  readonly backend: { readonly name: string; readonly device: string };
  readonly ids: readonly number[];
}

async function generate(args: readonly string[]): Promise<Generated> {
  const { code, stdout, stderr } = await mamba(["generate", "Hello", "-m", model, "--json", ...args]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/^(note: .*\n)*$/) as string });
  return JSON.parse(stdout) as Generated;
}

/** The losses of a short training run. */
async function losses(name: string, on: string): Promise<number[]> {
  const folder = join(base, name);
  const shape = ["--steps=4", "--length=12", "--d-model=16", "--layers=1", "--batch-size=4"];
  expect(await mamba(["train", "induction", "--out", folder, on, ...shape])).toMatchObject({ code: 0 });
  const lines = (await readFile(join(folder, "log.jsonl"), "utf8")).trim().split("\n");
  return lines.map((line) => (JSON.parse(line) as { loss: number }).loss);
}

test("mamba backends says what one process of its own found", async () => {
  const { code, stdout, stderr } = await mamba(["backends", "--json"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(JSON.parse(stdout)).toContainEqual(found);
});

/** What `bench --backend webgpu --json` prints, as far as the test reads it. */
interface BenchReport {
  rates: Record<"copy" | "tiled" | "blocked" | "linear", number>;
  plain: { kind: string; seconds: { median: number; best: number } }[];
  cases: { name: string; dispatches: number; seconds: { median: number; best: number } }[];
  decode: unknown[];
}

if (found.ok || required) {
  test("generate writes what the cpu backend writes", { timeout }, async () => {
    const options = ["--max-tokens=12", "--seed=3"];
    const gpu = await generate([backend, ...options]);
    expect(gpu.backend).toEqual({ name: "webgpu", device: found.ok && found.device });
    expect(gpu.ids).toEqual((await generate(["--backend=cpu", ...options])).ids);
  });

  test("auto takes a GPU, and the cpu where the adapter is a software one", { timeout }, async () => {
    const { backend } = await generate(["--max-tokens=2"]);
    expect(backend.name).toBe(found.ok && found.software ? "cpu" : "webgpu");
    expect((await generate(["--max-tokens=2", "--threads=1"])).backend.name).toBe("cpu");
  });

  test("train has the losses of the cpu backend, and eval takes the model", { timeout }, async () => {
    const gpu = await losses("gpu", backend);
    const cpu = await losses("cpu", "--backend=cpu");
    expect(gpu).toHaveLength(4);
    for (const [i, loss] of cpu.entries()) expect(Math.abs((gpu[i] ?? NaN) - loss)).toBeLessThan(1e-5);
    const evaluate = ["eval", "induction", "-m", join(base, "gpu/model"), "--length=8", "--examples=5"];
    const judged = await Promise.all(
      [backend, "--backend=cpu"].map((on) => mamba([...evaluate, on, "--json"])),
    );
    const [one, other] = judged.map(({ code, stdout }) => {
      expect(code).toBe(0);
      return JSON.parse(stdout) as { backend: { name: string }; results: [{ loss: number }] };
    });
    expect([one?.backend.name, other?.backend.name]).toEqual(["webgpu", "cpu"]);
    expect(one?.results[0].loss).toBeCloseTo(other?.results[0].loss ?? NaN, 4);
  });

  test("bench measures plain shaders and an op in turns, and refuses what is for the cpu", async () => {
    const args = ["bench", backend, "--quick", "--filter=causalConv1dStep 1"];
    const { code, stdout, stderr } = await mamba([...args, "--json"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const report = JSON.parse(stdout) as BenchReport;
    expect(new Set(report.plain.map(({ kind }) => kind))).toEqual(
      new Set(["copy", "tiled matmul", "blocked matmul", "linear"]),
    );
    expect(report.cases.map(({ name, dispatches }) => [name, dispatches])).toEqual([
      ["causalConv1dStep 1×1536", 1],
    ]);
    for (const { seconds } of [...report.plain, ...report.cases]) {
      expect(seconds.median).toBeGreaterThan(0);
      expect(seconds.best).toBeLessThanOrEqual(seconds.median);
    }
    for (const rate of Object.values(report.rates)) expect(rate).toBeGreaterThan(1e6);
    expect(report.decode).toEqual([]);
    expect(await mamba(["bench", backend, "--long"])).toMatchObject({ code: 2 });
    expect(await mamba(["bench", backend, "--filter=nothing"])).toMatchObject({ code: 2 });
  });
} else test.skip(`generate, auto, train, eval and bench (no WebGPU: ${found.reason})`, () => undefined);

test("a backend that is not available is an error with its code, never a fallback", async () => {
  // A list of drivers that is empty: there is no adapter then, also where there is a GPU.
  const nothing = { VK_ICD_FILENAMES: join(base, "none.json"), VK_DRIVER_FILES: join(base, "none.json") };
  const args = ["generate", "Hello", "-m", model, backend];
  const { code, stdout, stderr } = await mamba(args, nothing);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  const reason =
    process.platform === "linux" ? /^mamba: backend webgpu: .*adapter.*\[NO_DEVICE\]\n$/m : /\[NO_DEVICE\]/;
  expect(stderr).toMatch(reason);
  expect(JSON.parse((await mamba(["backends", "webgpu", "--json"], nothing)).stdout)).toMatchObject([
    { ok: false, code: "NO_DEVICE" },
  ]);
});
