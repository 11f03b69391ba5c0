// Stops a text in its middle, saves its state as bytes, and goes on with it on another kernel: another process, another machine,
// another backend. The ids are those of a run that never stopped. The state has the same size after any number of tokens.

import { loadCheckpoint } from "@mamba/checkpoint";
import { generate, GenerationState, loadState, saveState } from "@mamba/core";
import { openKernel } from "@mamba/kernel";
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../../recipes/stories/demo-model", import.meta.url));
const path = process.argv[2] ?? "story.state";

/** Opens a kernel with the model on it; both end with `body`. */
async function withModel(body) {
  const kernel = await openKernel([{ name: "cpu", load: () => import("@mamba/kernel-cpu") }]);
  const { model, tokenizer } = await loadCheckpoint(kernel, folder);
  try {
    return await body(model, tokenizer);
  } finally {
    model.dispose();
    await kernel.dispose();
  }
}

/** Writes `maxTokens` tokens from where the state is. */
async function write(model, state, tokenizer, maxTokens) {
  let text = "";
  for await (const token of generate(model, state, { tokenizer, maxTokens, temperature: 0.7 }))
    text += token.text;
  return text;
}

const prompt = "Once upon a time";
const seed = 7;
const whole = await withModel(async (model, tokenizer) => {
  const state = GenerationState.start(model, tokenizer.encode(prompt), { seed });
  return write(model, state, tokenizer, 120);
});
const first = await withModel(async (model, tokenizer) => {
  const state = GenerationState.start(model, tokenizer.encode(prompt), { seed });
  const text = await write(model, state, tokenizer, 60);
  await writeFile(path, await saveState(state));
  return text;
});
const second = await withModel(async (model, tokenizer) => {
  const state = await loadState(model, await readFile(path)); // refused when the model is another one
  return write(model, state, tokenizer, 60);
});
console.log(`${prompt}${first}|${second}`);
console.log(
  first + second === whole
    ? "equal to the text that was never stopped"
    : "DIFFERENT from the text that was never stopped",
);
