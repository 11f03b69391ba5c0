import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { generate } from "@mamba/core";
import { createCpuKernel } from "@mamba/kernel-cpu";
import { expect, test } from "vitest";
import { convertCheckpoint, loadCheckpoint, openSafetensors } from "../src/index.ts";
import { temporaryFolder } from "./support/folders.ts";

// Checkpoints in the Hugging Face layout and what PyTorch in float64 makes of them (tooling/reference).

const goldens = fileURLToPath(new URL("../../conformance/goldens/", import.meta.url));
const folders = readdirSync(goldens).filter((name) => name.startsWith("lm-"));

interface Expected {
  readonly prompts: readonly {
    readonly promptIds: readonly number[];
    readonly greedyIds: readonly number[];
    /** The tensor with the logits [L, V] of the prompt and all greedy tokens but the last. */
    readonly logits: string;
  }[];
}

test("there are goldens of every kind", () => {
  for (const kind of ["lm-tied", "lm-untied", "lm-falcon"]) {
    for (const dtype of ["", "-f16", "-bf16"]) expect(folders).toContain(kind + dtype);
  }
});

test.each(folders)("%s: PyTorch's logits within 1e-4, and its greedy tokens", async (name) => {
  const folder = `${goldens}${name}`;
  const { prompts } = JSON.parse(await readFile(`${folder}/expected.json`, "utf8")) as Expected;
  await using expected = await openSafetensors(`${folder}/expected.safetensors`);
  await using kernel = await createCpuKernel({ threads: 1 });
  const { model } = await loadCheckpoint(kernel, folder);
  for (const { promptIds, greedyIds, logits: key } of prompts) {
    const reference = new Float32Array((await expected.read(key)).buffer);
    const sequence = Int32Array.from([...promptIds, ...greedyIds.slice(0, -1)]);
    using ids = kernel.upload(sequence, [1, sequence.length], "i32");
    using logits = model.forward(ids);
    const [actual] = await kernel.read(logits);
    expect(actual).toHaveLength(reference.length);
    const worst = reference.reduce(
      (max, value, i) => Math.max(max, Math.abs(value - (actual?.[i] ?? NaN))),
      0,
    );
    expect(worst).toBeLessThan(1e-4);

    const generated: number[] = [];
    const options = { temperature: 0, maxTokens: greedyIds.length, stopIds: [] };
    for await (const { id } of generate(model, promptIds, options)) generated.push(id);
    expect(generated).toEqual(greedyIds);
  }
  model.dispose();
  expect(kernel.memory().tensors).toBe(0);
});

const hybrids = folders.filter((name) => /^lm-(?:mamba2|granite|falcon-h1|nemotron|jamba)/.test(name));

test.each(hybrids)("%s from GGUF: PyTorch's logits within 1e-4", async (name) => {
  const folder = `${goldens}${name}`;
  const { prompts } = JSON.parse(await readFile(`${folder}/expected.json`, "utf8")) as Expected;
  await using expected = await openSafetensors(`${folder}/expected.safetensors`);
  const file = join(await temporaryFolder(), "model.gguf");
  await convertCheckpoint(folder, file);
  await using kernel = await createCpuKernel({ threads: 1 });
  const { model } = await loadCheckpoint(kernel, file);
  const [{ promptIds, greedyIds, logits: key } = { promptIds: [], greedyIds: [], logits: "" }] = prompts;
  const reference = new Float32Array((await expected.read(key)).buffer);
  const sequence = Int32Array.from([...promptIds, ...greedyIds.slice(0, -1)]);
  using ids = kernel.upload(sequence, [1, sequence.length], "i32");
  using logits = model.forward(ids);
  const [actual] = await kernel.read(logits);
  const worst = reference.reduce((max, value, i) => Math.max(max, Math.abs(value - (actual?.[i] ?? NaN))), 0);
  expect(worst).toBeLessThan(1e-4);
  model.dispose();
});
