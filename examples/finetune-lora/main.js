// Fine-tunes a small language model on a text of your own with a LoRA adapter of 2 % of its size, and writes with it before and
// after. Usage: node main.js [text file] [folder of the adapter]. The model is the story teller of this repository; any checkpoint
// that `loadCheckpoint` takes will do.

import { loadCheckpoint, saveAdapter } from "@mamba/checkpoint";
import { generate, LoraAdapter } from "@mamba/core";
import { openKernel } from "@mamba/kernel";
import { evaluate, languageModel, Trainer } from "@mamba/train";
import { textFile } from "@mamba/train/node";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const [path = "proverbs.txt", folder = "proverbs-adapter"] = process.argv.slice(2);
if (process.argv.length < 3) {
  const proverbs = [
    "Still waters run deep.",
    "A stitch in time saves nine.",
    "The early bird catches the worm.",
  ];
  await writeFile(path, `${proverbs.join("\n")}\n`.repeat(20));
}

const kernel = await openKernel([{ name: "cpu", load: () => import("@mamba/kernel-cpu") }]);
const base = fileURLToPath(new URL("../../recipes/stories/demo-model", import.meta.url));
const { model, tokenizer } = await loadCheckpoint(kernel, base, { dtype: "bf16" });
async function write() {
  let text = "";
  for await (const token of generate(model, "A stitch ", { tokenizer, maxTokens: 30, temperature: 0 }))
    text += token.text;
  return JSON.stringify(text);
}

console.log("before:", await write());
const adapter = LoraAdapter.init(model, { rank: 8, alpha: 16, base });
model.attach(adapter);
const source = await textFile(path, { length: 64 });
const trainer = new Trainer(languageModel(model), source, {
  steps: 40,
  batchSize: 4,
  lr: 5e-3,
  warmupSteps: 5,
});
for await (const { step, loss } of trainer.run()) if (step % 10 === 0) console.log(step, loss.toFixed(3));
const { perplexity } = await evaluate(languageModel(model), source, { examples: 8 });
console.log("after:", await write(), `perplexity ${perplexity.toFixed(2)}`);
await saveAdapter(model, adapter, folder); // in PEFT's format; `mamba merge` adds it to the weights
console.log(`the adapter is in ${folder}`);
await source.close();
for (const item of [trainer, adapter, model]) item.dispose();
await kernel.dispose();
