import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Availability } from "@mamba/kernel";
import { afterAll, beforeAll, expect, test } from "vitest";
import { evaluate, generate, induction, losses } from "./results.ts";
import { mamba } from "./spawn.ts";

// The commands on the WebGPU backend, each in a process that has to end by itself.

/** A software adapter on a busy machine is slow. */
const timeout = 300_000;
const backend = "--backend=webgpu";

const probe = async (name: string) =>
  (JSON.parse((await mamba(["backends", name, "--json"])).stdout) as [Availability])[0];
const found = await probe("webgpu");
const required = (process.env["MAMBA_REQUIRE_BACKENDS"] ?? "").split(",").includes("webgpu");

let base: string;
let model: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "mamba-webgpu-"));
  model = join(base, "tiny");
  expect(await mamba(["init", "tiny", model])).toMatchObject({ code: 0 });
});
afterAll(() => rm(base, { recursive: true }));

test("mamba backends prints the result of a probe in a process of its own", async () => {
  const { code, stdout, stderr } = await mamba(["backends", "--json"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(JSON.parse(stdout)).toContainEqual(found);
});

/** The fields of `bench --backend webgpu --json` that the test reads. */
interface BenchReport {
  rates: Record<string, number>;
  plain: { kind: string; seconds: { median: number; best: number } }[];
  cases: { name: string; dispatches: number; seconds: { median: number; best: number } }[];
  decode: unknown[];
}

if (found.ok || required) {
  test("generate writes what the cpu backend writes", { timeout }, async () => {
    const options = ["Hello", "--max-tokens=12", "--seed=3"];
    const gpu = await generate(model, [backend, ...options]);
    expect(gpu.backend).toEqual({ name: "webgpu", device: found.ok && found.device });
    expect(gpu.ids).toEqual((await generate(model, ["--backend=cpu", ...options])).ids);
  });

  test("a saved state continues on the other backend", { timeout }, async () => {
    const state = join(base, "state");
    const whole = await generate(model, ["--backend=cpu", "Hello", "--max-tokens=20", "--seed=3"]);
    for (const [first, second] of [
      [backend, "--backend=cpu"],
      ["--backend=cpu", backend],
    ] as const) {
      const head = await generate(model, [
        first,
        "Hello",
        "--max-tokens=9",
        "--seed=3",
        "--save-state",
        state,
      ]);
      const tail = await generate(model, [second, "--max-tokens=11", "--load-state", state]);
      expect([...head.ids, ...tail.ids]).toEqual(whole.ids);
      expect(head.text + tail.text).toBe(whole.text);
    }
  });

  test("auto takes a GPU, and the cpu where the adapter is a software one", { timeout }, async () => {
    const { backend } = await generate(model, ["Hello", "--max-tokens=2"]);
    const isGpu = (one: Availability) => one.ok && one.software !== true;
    const expected = isGpu(await probe("cuda")) ? "cuda" : isGpu(found) ? "webgpu" : "cpu";
    expect(backend.name).toBe(expected);
    const threads = await generate(model, ["Hello", "--max-tokens=2", "--threads=1"]);
    expect(threads.backend.name).toBe("cpu");
  });

  test("train has the losses of the cpu backend, and eval takes the model", { timeout }, async () => {
    const gpu = await losses(join(base, "gpu"), [...induction, backend]);
    const cpu = await losses(join(base, "cpu"), [...induction, "--backend=cpu"]);
    expect(gpu).toHaveLength(4);
    for (const [i, loss] of cpu.entries()) expect(Math.abs((gpu[i] ?? NaN) - loss)).toBeLessThan(1e-5);
    const args = ["induction", "-m", join(base, "gpu/model"), "--length=8", "--examples=5"];
    const [one, other] = [await evaluate([...args, backend]), await evaluate([...args, "--backend=cpu"])];
    expect([one.backend, other.backend]).toEqual(["webgpu", "cpu"]);
    expect(one.loss).toBeCloseTo(other.loss, 4);
  });

  test("bench measures plain shaders and an op in turns, and refuses what is for the cpu", async () => {
    const args = ["bench", backend, "--quick", "--filter=causalConv1dStep B1"];
    const { code, stdout, stderr } = await mamba([...args, "--json"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const report = JSON.parse(stdout) as BenchReport;
    expect(new Set(report.plain.map(({ kind }) => kind))).toEqual(
      new Set(["copy", "tiled matmul", "blocked matmul", "linear"]),
    );
    expect(report.cases.map(({ name, dispatches }) => [name, dispatches])).toEqual([
      ["causalConv1dStep B1 D1536 W4 +bias +silu", 1],
    ]);
    for (const { seconds } of [...report.plain, ...report.cases]) {
      expect(seconds.median).toBeGreaterThan(0);
      expect(seconds.best).toBeLessThanOrEqual(seconds.median);
    }
    expect(Object.keys(report.rates)).toEqual(["copy", "tiled matmul", "blocked matmul", "linear"]);
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
