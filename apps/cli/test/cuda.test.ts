import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Availability } from "@mamba/kernel";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildSource, missingCompiler } from "../../../tooling/cuda-host/build.mjs";
import { evaluate, generate, induction, losses } from "./results.ts";
import { mamba } from "./spawn.ts";

// The commands on the CUDA backend, each in a process that has to end by itself. The driver is the stand-in of
// tooling/cuda-host, which computes on the CPU.

const missing = missingCompiler();
const required = (process.env["MAMBA_REQUIRE_BACKENDS"] ?? "").split(",").includes("cuda-host");
const driver = missing === undefined ? await buildSource() : "/nonexistent";
/** The stand-in as the driver, and no cuBLAS. */
const standIn = { MAMBA_CUDA_DRIVER: driver, MAMBA_CUDA_BLAS: "/nonexistent", MAMBA_CUDA_HOST: "" };
/** The largest difference allowed between two backends; `@mamba/parity` says why. */
const parityTolerance = 1e-5;
const [cuda, cpu] = ["--backend=cuda", "--backend=cpu"];
const story = fileURLToPath(new URL("../../../recipes/stories/demo-model", import.meta.url));

let base: string;
let model: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "mamba-cuda-"));
  model = join(base, "tiny");
  expect(await mamba(["init", "tiny", model])).toMatchObject({ code: 0 });
});
afterAll(() => rm(base, { recursive: true }));

/** The result of `mamba backends cuda --json`. */
async function probe(env: Readonly<Record<string, string>>): Promise<Availability> {
  const { code, stdout, stderr } = await mamba(["backends", "cuda", "--json"], env);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return (JSON.parse(stdout) as [Availability])[0];
}

/** All numbers of a checkpoint in f32. */
async function weights(folder: string): Promise<Float32Array> {
  const bytes = await readFile(join(folder, "model.safetensors"));
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset + 8 + Number(bytes.readBigUInt64LE())));
}

function furthest(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual).toHaveLength(expected.length);
  // NaN is further than anything.
  return Array.from(expected, (value, i) => Math.abs((actual[i] ?? NaN) - value)).reduce((a, b) =>
    b <= a ? a : b,
  );
}

/** The fields of `bench --json` that the test reads. */
interface BenchReport {
  device: string;
  rates: Record<string, number>;
  plain: { kind: string; seconds: { median: number; best: number } }[];
  cases: { name: string; dispatches: number; seconds: { median: number; best: number } }[];
}

if (missing === undefined || required) {
  if (missing !== undefined) throw new Error(missing);

  test("backends names the device, and the library of its matrix products", async () => {
    const device = /^stand-in \(no GPU\): .*, compute 8\.0, 8 GiB, CUDA 13\.0, own matrix products$/;
    expect(await probe(standIn)).toEqual({
      ...{ name: "cuda", ok: true, software: true },
      device: expect.stringMatching(device) as string,
    });
    const blas = await probe({ ...standIn, MAMBA_CUDA_BLAS: driver });
    expect(blas).toMatchObject({ device: expect.stringMatching(/, cuBLAS$/) as string });
    const { stdout } = await mamba(["backends"], standIn);
    expect(stdout).toMatch(/^cuda +yes +stand-in .* \(computes on the CPU\)$/m);
  });

  test("generate writes the text of the cpu backend, and continues its state", async () => {
    const greedy = ["Once upon a time", "--greedy", "--max-tokens=32"];
    const gpu = await generate(story, [cuda, ...greedy], standIn);
    expect(gpu.backend).toEqual({ name: "cuda", device: expect.stringContaining("stand-in") as string });
    expect(gpu.text.length).toBeGreaterThan(20);
    expect(gpu.text).toBe((await generate(story, [cpu, ...greedy])).text);

    const state = join(base, "state");
    const sampled = ["Hello", "--max-tokens=12", "--seed=3"];
    const { ids } = await generate(model, [cuda, ...sampled, "--save-state", state], standIn);
    expect(new Set(ids).size).toBeGreaterThan(3);
    expect(ids).toEqual((await generate(model, [cpu, ...sampled])).ids);
    const more = ["--max-tokens=12", "--seed=4", "--load-state", state];
    const further = await generate(model, [cuda, ...more], standIn);
    expect(further.ids).toEqual((await generate(model, [cpu, ...more])).ids);
  });

  test("auto does not take a stand-in", async () => {
    expect((await generate(model, ["Hello", "--max-tokens=2"], standIn)).backend.name).not.toBe("cuda");
  });

  test("train has the losses of the cpu backend, and eval takes the model", async () => {
    const gpu = await losses(join(base, "gpu"), [...induction, cuda], standIn);
    const expected = await losses(join(base, "cpu"), [...induction, cpu]);
    expect(gpu).toHaveLength(4);
    expect(furthest(gpu, expected)).toBeLessThan(parityTolerance);
    const args = ["induction", "-m", join(base, "gpu/model"), "--length=8", "--examples=5"];
    const [one, other] = [await evaluate([...args, cuda], standIn), await evaluate([...args, cpu])];
    expect([one.backend, other.backend]).toEqual(["cuda", "cpu"]);
    expect(Math.abs(one.loss - other.loss)).toBeLessThan(parityTolerance);
  });

  test("an adapter is trained and merged as on the cpu", async () => {
    const data = join(base, "text.txt");
    await writeFile(data, "to be or not to be, that is the question. ".repeat(20));
    const args = ["text", "--data", data, "--model", model, "--lora=4"];
    const shape = ["--length=32", "--steps=4", "--batch-size=2", "--lr=0.01"];
    const gpu = await losses(join(base, "lora"), [...args, ...shape, cuda], standIn);
    expect(furthest(gpu, await losses(join(base, "lora-cpu"), [...args, ...shape, cpu]))).toBeLessThan(
      parityTolerance,
    );
    const merge = ["merge", "--model", model, "--adapter", join(base, "lora/adapter"), "--out"];
    expect(await mamba([...merge, join(base, "merged"), cuda], standIn)).toMatchObject({ code: 0 });
    expect(await mamba([...merge, join(base, "merged-cpu"), cpu])).toMatchObject({ code: 0 });
    const [merged, expected] = [await weights(join(base, "merged")), await weights(join(base, "merged-cpu"))];
    expect(furthest(merged, expected)).toBeLessThan(1e-6);
    expect(furthest(merged, await weights(model))).toBeGreaterThan(1e-3);
  });

  test("coord-check finds the slopes that the cpu finds", async () => {
    const plan = ["coord-check", "--widths=16,32", "--steps=1", "--seeds=1", "--layers=1", "--json"];
    const [gpu, expected] = [await mamba([...plan, cuda], standIn), await mamba([...plan, cpu])];
    // But those of the logits: from weights of zero Adam's first step is the gradients' signs, rounding included.
    const slopes = ({ stdout }: { stdout: string }) =>
      (JSON.parse(stdout) as { fits: { module: string; sizeSlopes: number[] }[] }).fits
        .filter(({ module }) => module !== "logits")
        .flatMap(({ sizeSlopes }) => sizeSlopes);
    expect(slopes(expected)).toHaveLength(2 * 8 * 2);
    expect(furthest(slopes(gpu), slopes(expected))).toBeLessThan(0.01);
    expect(gpu.code).toBe(expected.code);
  });

  test("bench measures a copy, a product and an op in turns, and refuses what is for the cpu", async () => {
    const args = ["bench", cuda, "--quick", "--filter=causalConv1dStep B1"];
    const { code, stdout, stderr } = await mamba([...args, "--json"], standIn);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const report = JSON.parse(stdout) as BenchReport;
    expect(report.device).toMatch(/^stand-in/);
    expect(report.plain.map(({ kind }) => kind)).toEqual(["copy", "matmul"]);
    expect(report.cases.map(({ name, dispatches }) => [name, dispatches])).toEqual([
      ["causalConv1dStep B1 D1536 W4 +bias +silu", 1],
    ]);
    for (const { seconds } of [...report.plain, ...report.cases]) {
      expect(seconds.best).toBeGreaterThan(0);
      expect(seconds.median).toBeGreaterThanOrEqual(seconds.best);
    }
    expect(report.rates).toEqual({
      copy: expect.any(Number) as number,
      matmul: expect.any(Number) as number,
    });
    expect(await mamba(["bench", cuda, "--long"], standIn)).toMatchObject({ code: 2 });
    expect(await mamba(["bench", cuda, "--filter=nothing"], standIn)).toMatchObject({ code: 2 });
  });

  const refusals: readonly [what: string, env: Record<string, string>, said: RegExp][] = [
    [
      "no driver",
      { MAMBA_CUDA_DRIVER: "/nonexistent.so" },
      /there is no NVIDIA driver: .*nonexistent.*; install NVIDIA driver 580 or newer \[DRIVER\]/,
    ],
    [
      "a driver that is too old",
      { MAMBA_CUDA_HOST: "driver=12040" },
      /the NVIDIA driver supports CUDA 12\.4, this backend needs 13\.0; install NVIDIA driver 580 or newer \[DRIVER\]/,
    ],
    [
      "a driver that crashes",
      { MAMBA_CUDA_HOST: "nonsense=1" },
      /ended with signal SIGABRT; restart the machine, or install NVIDIA driver 580 or newer \[DRIVER\]/,
    ],
    [
      "no device",
      { MAMBA_CUDA_HOST: "devices=0" },
      /the driver finds no GPU; check nvidia-smi, .* \[NO_DEVICE\]/,
    ],
    [
      "a device that is too old",
      { MAMBA_CUDA_HOST: "capability=70" },
      /capability 7\.0, this backend needs 7\.5 .*; use a newer GPU, or another backend \[LIMITS\]/,
    ],
  ];
  test.each(refusals)("%s: the command reports it, and computes nowhere else", async (_, env, said) => {
    const args = ["generate", "Hello", "-m", model, cuda];
    const { code, stdout, stderr } = await mamba(args, { ...standIn, ...env });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^mamba: backend cuda: [^\n]*\n$/);
    expect(stderr).toMatch(said);
    expect(await probe({ ...standIn, ...env })).toMatchObject({
      ok: false,
      code: /\[(\w+)\]/.exec(stderr)?.[1],
    });
  });

  test("memory that the device does not have is an error too", async () => {
    const args = ["generate", "Hello", "-m", model, cuda];
    const { code, stdout, stderr } = await mamba(args, { ...standIn, MAMBA_CUDA_HOST: "memory=100000" });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/\[OUT_OF_MEMORY\]\n$/);
  });
} else {
  test.skip(`the commands on the CUDA backend (no stand-in for its driver: ${missing})`, () => undefined);
}

test("without a driver, the command reports what is missing and what to do", async () => {
  const args = ["generate", "Hello", "-m", model, cuda];
  const { code, stdout, stderr } = await mamba(args, { ...standIn, MAMBA_CUDA_DRIVER: "/nonexistent" });
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  // The addon is the first thing that can be missing.
  expect(stderr).toMatch(
    /^mamba: backend cuda: (there is no NVIDIA driver: .* \[DRIVER\]|.*@mamba\/kernel-cuda.* \[NOT_INSTALLED\])\n$/,
  );
});
