import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Tape } from "@mamba/core";
import { createCpuKernel } from "@mamba/kernel-cpu";
import { expect, test } from "vitest";
import { loadCheckpoint, openSafetensors } from "../src/index.ts";

// Gradients of tiny models beside those of PyTorch in float64 (tooling/reference). A file of gradients has the names of the
// checkpoint, so it is loaded as a checkpoint: its parameters are the gradients of ours.

const goldens = fileURLToPath(new URL("../../conformance/goldens/", import.meta.url));
const folders = readdirSync(goldens).filter((name) => existsSync(`${goldens}${name}/gradients.safetensors`));

test("there are gradients of every architecture", () => {
  for (const name of [
    "mamba2",
    "granite",
    "granite-moe",
    "falcon-h1",
    "nemotron-h",
    "nemotron-h-moe",
    "jamba",
  ])
    expect(folders).toContain(`lm-${name}`);
});

test.each(folders)("%s: loss and gradients of all parameters", async (name) => {
  const folder = `${goldens}${name}`;
  const copy = mkdtempSync(join(tmpdir(), "mamba-gradients-"));
  try {
    copyFileSync(`${folder}/config.json`, join(copy, "config.json"));
    copyFileSync(`${folder}/gradients.safetensors`, join(copy, "model.safetensors"));
    const text = await readFile(`${folder}/expected.json`, "utf8");
    const [prompt] = (JSON.parse(text) as { prompts: { promptIds: number[] }[] }).prompts;
    const ids = prompt?.promptIds ?? [];
    await using expected = await openSafetensors(`${folder}/expected.safetensors`);
    const [expectedLoss = NaN] = new Float32Array((await expected.read("loss")).buffer);

    await using kernel = await createCpuKernel({ threads: 1 });
    const { model } = await loadCheckpoint(kernel, folder);
    const { model: reference } = await loadCheckpoint(kernel, copy);
    const count = ids.length - 1;
    using input = kernel.upload(Int32Array.from(ids.slice(0, -1)), [1, count], "i32");
    using targets = kernel.upload(Int32Array.from(ids.slice(1)), [count], "i32");
    using tape = new Tape(kernel, model.parameters.values());
    const logits = model.run(tape, input);
    const loss = tape.crossEntropy(tape.reshape(logits, [count, model.config.vocabSize]), targets);
    const [found] = await kernel.read(loss);
    expect(Math.abs((found?.[0] ?? NaN) - expectedLoss)).toBeLessThan(1e-5);
    const gradients = tape.backward(loss);
    for (const [parameter, tensor] of model.parameters) {
      const [wanted] = await kernel.read(reference.parameters.get(parameter) ?? tensor);
      const own = gradients.get(tensor);
      if (own === undefined) {
        expect([parameter, wanted?.every((value) => value === 0)]).toEqual([parameter, true]);
        continue;
      }
      const [values] = await kernel.read(own);
      let [error, size] = [0, 0];
      values?.forEach((value, i) => {
        error += (value - (wanted?.[i] ?? NaN)) ** 2;
        size += (wanted?.[i] ?? NaN) ** 2;
      });
      expect(size, parameter).toBeGreaterThan(0);
      expect(error / size, parameter).toBeLessThan(1e-9);
      own.dispose();
    }
    model.dispose();
    reference.dispose();
  } finally {
    rmSync(copy, { recursive: true });
  }
});
