import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadAdapter, loadCheckpoint, saveAdapter, saveCheckpoint } from "@mamba/checkpoint";
import { LoraAdapter, mambaLinears, type MambaLM, mergeAdapter } from "@mamba/core";
import type { FloatDType } from "@mamba/kernel";
import { expect, onTestFinished, test } from "vitest";
import { evaluate } from "../src/evaluate.ts";
import type { DataSource } from "../src/dataSource.ts";
import { languageModel } from "../src/languageModel.ts";
import { Trainer } from "../src/trainer.ts";
import { kernel, take } from "./support.ts";

// Checkpoints that PyTorch wrote, with about 90 tokens: here they are the printable characters from the space on.

const golden = (name: string) => fileURLToPath(new URL(`../../conformance/goldens/${name}`, import.meta.url));

const words = [
  ["the cat", "a dog", "my bird", "one fish"],
  ["sees", "likes", "follows"],
  ["the sun", "a tree", "the river", "his house", "a friend"],
];

/** Sentences of 60 combinations of words. Their order repeats only after more sentences than an example has. */
const sentences: DataSource = {
  id: "sentences",
  vocabSize: 91, // up to z
  count: undefined,
  example(index) {
    const sentence = (i: number) => {
      const draw = Math.imul(i + 1, 2654435761) >>> 4;
      return `${words.map((choices, place) => choices[(draw >>> (5 * place)) % choices.length]).join(" ")}. `;
    };
    const text = sentence(3 * index) + sentence(3 * index + 1) + sentence(3 * index + 2);
    const ids = Int32Array.from(text.slice(0, 49), (character) => character.charCodeAt(0) - 32);
    return { ids: ids.slice(0, -1), targets: ids.slice(1) };
  },
};

async function heldOut(model: MambaLM): Promise<number> {
  return (await evaluate(languageModel(model), sentences, { first: 5000, examples: 32 })).loss;
}

async function load(name: string, dtype?: FloatDType): Promise<MambaLM> {
  return (await loadCheckpoint(kernel, name, { dtype })).model;
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "mamba-fine-tune-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

test("full fine-tuning lowers the held-out loss by more than 3 nats; the saved checkpoint has the same loss", async () => {
  const folder = await temporaryFolder();
  using model = await load(golden("lm-tied-f16"), "f32");
  const before = await heldOut(model);
  using trainer = new Trainer(languageModel(model), sentences, { steps: 150, lr: 1e-2, warmupSteps: 10 });
  await take(trainer, 150);
  const after = await heldOut(model);
  expect(before).toBeGreaterThan(Math.log(96));
  expect(after).toBeLessThan(before - 3);
  await saveCheckpoint(model, folder);
  using again = await load(folder);
  expect(await heldOut(again)).toBe(after);
});

test.each([["lm-untied"], ["lm-untied-bf16"], ["lm-untied-f16"]])(
  "LoRA lowers the held-out loss of %s by more than 2 nats; saving, loading and merging keep it",
  async (name) => {
    const folder = await temporaryFolder();
    using model = await load(golden(name));
    const before = await heldOut(model);
    using adapter = LoraAdapter.init(model, { rank: 8, targets: mambaLinears, base: name });
    model.attach(adapter);
    using trainer = new Trainer(languageModel(model), sentences, { steps: 150, lr: 1e-2, warmupSteps: 10 });
    await take(trainer, 150);
    const after = await heldOut(model);
    expect(before).toBeGreaterThan(Math.log(93));
    expect(after).toBeLessThan(before - 2);

    await saveAdapter(model, adapter, join(folder, "adapter"));
    using again = await load(golden(name)); // its weights are unchanged
    expect(await heldOut(again)).toBe(before);
    using loaded = await loadAdapter(again, join(folder, "adapter"));
    again.attach(loaded);
    expect(await heldOut(again)).toBe(after);

    await mergeAdapter(again, loaded);
    await saveCheckpoint(again, join(folder, "merged"));
    using merged = await load(join(folder, "merged"));
    expect(Math.abs((await heldOut(merged)) - after)).toBeLessThan(name.endsWith("bf16") ? 0.02 : 0.002);
  },
);
