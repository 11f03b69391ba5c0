import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../../test/run.ts";

let base: string;
let model: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "mamba-inspect-"));
  model = join(base, "tiny");
  await run(["init", "tiny", model, "--dtype=f16"]);
});
afterAll(() => rm(base, { recursive: true }));

test("shows config, tensors and totals, and that the weights are random", async () => {
  const { code, stdout, stderr } = await run(["inspect", model]);
  expect(code).toBe(0);
  expect(stdout).toContain("random, untrained (preset tiny, seed 0)");
  expect(stdout).toContain("114.6 k (114560)");
  expect(stdout).toMatch(/^dModel +64$/m);
  expect(stdout).toMatch(/^backbone\.layers\.0\.mixer\.in_proj\.weight +F16 +\[256, 64\] +32\.8 kB$/m);
  expect(stderr).toBe("");
});

test("--json", async () => {
  const { stdout } = await run(["inspect", model, "--json"]);
  const summary = JSON.parse(stdout) as {
    tensors: { name: string; byteLength: number }[];
    weightBytes: number;
  };
  expect(summary).toMatchObject({
    format: "mamba",
    config: { dModel: 64, nLayers: 3, vocabSize: 256, tieEmbeddings: true },
    tokenizerKind: "bytes",
    files: ["model.safetensors"],
    parameterCount: 114_560,
    randomWeights: "preset tiny, seed 0",
  });
  expect(summary.tensors).toHaveLength(32);
  expect(summary.tensors.reduce((sum, { byteLength }) => sum + byteLength, 0)).toBe(summary.weightBytes);
});

test("what is no checkpoint fails with its code", async () => {
  expect((await run(["inspect", join(base, "nothing")])).stderr).toMatch(/\[NOT_FOUND\]\n$/);
  const empty = await mkdtemp(join(base, "empty-"));
  await writeFile(join(empty, "config.json"), "{");
  expect(await run(["inspect", empty])).toMatchObject({
    code: 1,
    stdout: "",
    stderr: expect.stringMatching(/^mamba: .*config\.json.*\[JSON\]\n$/) as string,
  });
  expect((await run(["inspect"])).code).toBe(2);
});

test("a GGUF file: its metadata and the types of its tensors, as text and as JSON", async () => {
  const { loadCheckpoint, saveGguf } = await import("@mamba/checkpoint");
  const { createCpuKernel } = await import("@mamba/kernel-cpu");
  const kernel = await createCpuKernel({ threads: 1 });
  const loaded = await loadCheckpoint(kernel, model);
  const path = join(base, "tiny-Q8_0.gguf");
  const metadata = new Map([["x.big", { type: "u64", value: 2n ** 60n }]] as const);
  await saveGguf(loaded.model, path, { type: "q8_0", tokenizer: loaded.tokenizer, metadata });
  loaded.model.dispose();
  await kernel.dispose();
  const text = await run(["inspect", path]);
  expect(text.stdout).toMatch(/^types +Q8_0 .+, F32 /m);
  expect(text.stdout).toMatch(/^mamba\.block_count +3$/m);
  expect(text.stdout).toMatch(/^tokenizer\.ggml\.tokens +256 × string$/m);
  const { stdout } = await run(["inspect", path, "--json"]);
  const summary = JSON.parse(stdout) as { metadata: Record<string, unknown> };
  expect(summary).toMatchObject({ format: "gguf", tokenizerKind: "bytes", parameterCount: 114_560 });
  expect(summary.metadata).toMatchObject({ "x.big": String(2n ** 60n), "mamba.block_count": 3 });
});
