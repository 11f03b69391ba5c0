// The measurements of this project, the same in Node and in a page: a prompt, greedy decoding of one sequence, and of eight at once.

/** Tokens that are decoded before the measurement: engines compile WebAssembly again, better, while it runs. */
const warmUp = 32;
/** Ids of the prompt are below this number, as for llama.cpp: see tooling/peers/llama.mjs. */
const idLimit = 32000;

/**
 * @typedef {import("@mamba/core").MambaLM} MambaLM
 * @typedef {import("@mamba/kernel").Kernel} Kernel
 * @typedef {{ prefill: number, decode: number, decodeEight: number }} Speeds tokens per second
 */

/**
 * @param {Kernel} kernel
 * @param {MambaLM} model
 * @param {number} length tokens of the prompt
 * @param {number} tokens tokens to decode
 * @param {() => void} [afterOne] called before eight sequences are decoded
 * @returns {Promise<Speeds>}
 */
export async function measureOurs(kernel, model, length, tokens, afterOne) {
  await prompt(kernel, model, length);
  const prefill = length / (await prompt(kernel, model, length));
  const one = tokens / (await decode(kernel, model, 1, tokens));
  afterOne?.();
  return {
    prefill,
    decode: one,
    decodeEight: (8 * tokens) / (await decode(kernel, model, 8, tokens)),
  };
}

/** Seconds to read a prompt, for the logits of its last token. @param {Kernel} kernel @param {MambaLM} model @param {number} length */
async function prompt(kernel, model, length) {
  const prompt = Int32Array.from({ length }, (_, i) => (i * 7919 + 13) % idLimit);
  const ids = kernel.upload(prompt, [1, length], "i32");
  const state = model.createState(1);
  const start = performance.now();
  const logits = model.forward(ids, { state, logits: "last" });
  await kernel.read(logits);
  const seconds = (performance.now() - start) / 1000;
  for (const each of [ids, state, logits]) each.dispose();
  return seconds;
}

/** Seconds to decode `tokens` tokens of `batch` sequences. @param {Kernel} kernel @param {MambaLM} model @param {number} batch @param {number} tokens */
async function decode(kernel, model, batch, tokens) {
  const state = model.createState(batch);
  const rows = Array.from({ length: batch }, () => ({ temperature: 0, uniform: 0 }));
  let last = /** @type {Int32Array} */ (Int32Array.from({ length: batch }, (_, i) => 100 + i));
  let start = 0;
  for (let token = -warmUp; token < tokens; token++) {
    if (token === 0) start = performance.now();
    const ids = kernel.upload(last, [batch], "i32");
    const logits = model.step(ids, state);
    const next = kernel.sample({ logits, rows }).ids;
    const [read] = await kernel.read(next);
    last = /** @type {Int32Array} */ (read);
    for (const each of [ids, logits, next]) each.dispose();
  }
  state.dispose();
  return (performance.now() - start) / 1000;
}
