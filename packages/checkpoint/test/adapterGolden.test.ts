import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type MambaLM, mergeAdapter } from "@mamba/core";
import { createCpuKernel } from "@mamba/kernel-cpu";
import { expect, test } from "vitest";
import { loadAdapter, loadCheckpoint, openSafetensors, saveCheckpoint } from "../src/index.ts";
import { temporaryFolder } from "./support/folders.ts";

// Adapters in PEFT's layout and what PyTorch in float64 makes of them (tooling/reference/adapters.py).

const goldens = fileURLToPath(new URL("../../conformance/goldens/", import.meta.url));

/** The largest distance of a model's logits from those in a golden; with `prefix` "merged." those of rounded weights. */
async function distance(model: MambaLM, golden: string, prefix = ""): Promise<number> {
  const { prompts } = JSON.parse(await readFile(`${goldens}${golden}/expected.json`, "utf8")) as {
    prompts: { promptIds: number[]; logits: string }[];
  };
  await using expected = await openSafetensors(`${goldens}${golden}/expected.safetensors`);
  let worst = 0;
  for (const { promptIds, logits: key } of prompts) {
    using ids = model.kernel.upload(Int32Array.from(promptIds), [1, promptIds.length], "i32");
    using logits = model.forward(ids);
    const [actual] = (await model.kernel.read(logits)) as [Float32Array];
    const reference = new Float32Array((await expected.read(prefix + key)).buffer);
    expect(actual).toHaveLength(reference.length);
    for (const [i, value] of reference.entries()) worst = Math.max(worst, Math.abs(value - actual[i]!));
  }
  return worst;
}

test.each([
  ["lora-tied", "lm-tied"],
  ["lora-untied-bf16", "lm-untied-bf16"],
])("%s: logits within 1e-4, beside the base and merged into its storage", async (name, base) => {
  await using kernel = await createCpuKernel({ threads: 1 });
  const { model, tokenizer } = await loadCheckpoint(kernel, goldens + base);
  const adapter = await loadAdapter(model, goldens + name);
  expect(adapter.config.base).toBe(base);
  expect(await distance(model, name)).toBeGreaterThan(0.5);
  model.attach(adapter);
  expect(await distance(model, name)).toBeLessThan(1e-4);
  await mergeAdapter(model, adapter);
  const merged = await distance(model, name, "merged.");
  expect(merged).toBeLessThan(1e-4);
  adapter.dispose();

  const folder = await temporaryFolder();
  await saveCheckpoint(model, folder, { tokenizer });
  model.dispose();
  const again = await loadCheckpoint(kernel, folder);
  expect(await distance(again.model, name, "merged.")).toBe(merged);
  again.model.dispose();
  expect(kernel.memory().tensors).toBe(0);
});
