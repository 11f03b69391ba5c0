import { open } from "node:fs/promises";
import { join } from "node:path";
import { parameterSpecs, resolveLMConfig } from "@mamba/core";
import { safetensorsChunks } from "@mamba/core/safetensors";
import { createCpuKernel } from "@mamba/kernel-cpu";
import { expect, test } from "vitest";
import { loadCheckpoint } from "../src/index.ts";
import { folderWith } from "./support/folders.ts";

// Vitest runs every test file in its own process, so the peak of this process is the peak of this test.

test("loading peaks within 1.2 × the model, although one tensor is half of it", async () => {
  const config = resolveLMConfig({ vocabSize: 50_280, dModel: 512, nLayers: 14 });
  const folder = await folderWith({
    "config.json": { model_type: "mamba", vocab_size: 50_280, hidden_size: 512, num_hidden_layers: 14 },
  });
  const modelBytes = await writeZeros(join(folder, "model.safetensors"), config);
  expect(modelBytes).toBeGreaterThan(190e6);

  await using kernel = await createCpuKernel({ threads: 1 });
  const before = process.memoryUsage.rss();
  const { model } = await loadCheckpoint(kernel, folder);
  const peak = process.resourceUsage().maxRSS * 1024; // of the whole process so far
  console.info(`${mb(modelBytes)} of weights, ${mb(peak - before)} more memory at the peak of loading them`);
  expect(kernel.memory().bytes).toBeGreaterThanOrEqual(modelBytes);
  expect(peak - before).toBeLessThan(1.2 * modelBytes);
  model.dispose();
});

/** Writes a file of all tensors as zeros. They are a hole in the file, which takes neither disk nor memory. */
async function writeZeros(path: string, config: ReturnType<typeof resolveLMConfig>): Promise<number> {
  const tensors = parameterSpecs(config).map(({ name, shape }) => ({
    name,
    dtype: "F32" as const,
    shape,
    bytes: () => new Uint8Array(0),
  }));
  const { value: header } = await safetensorsChunks(tensors).next();
  const bytes = tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 4), 0);
  await using handle = await open(path, "w");
  await handle.writeFile(header ?? "");
  await handle.truncate((header?.length ?? 0) + bytes);
  return bytes;
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
