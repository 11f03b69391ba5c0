import { readFileSync, writeFileSync } from "node:fs";
import { getLlama, LlamaLogLevel } from "node-llama-cpp";

// llama.cpp on the CPU with two threads, in a process of its own.
//
//   node llama.mjs measure MODEL PROMPT TOKENS   JSON with tokens per second of a prompt and of greedy decoding
//   node llama.mjs logits MODEL IDS OUT          f32 logits after each of the ids in a JSON file, one row for each id

const threads = 2;
/** Tokens that are decoded before the measurement, as for this project. */
const warmUp = 32;
/** Ids of the prompt are below this number, which is at most the vocabulary of each shape: llama.cpp refuses other ids. */
const idLimit = 32000;

const [command = "", modelPath = "", ...rest] = process.argv.slice(2);
/** Attention is exact where numbers are compared: keys and values in f32, and not the fused form, which rounds to f16. */
const isExact = command === "logits";
const cacheType = isExact ? "F32" : "F16";
const llama = await getLlama({
  gpu: false,
  build: "never",
  maxThreads: threads,
  logLevel: LlamaLogLevel.error,
});
const model = await llama.loadModel({ modelPath, gpuLayers: 0 });

/** @param {number} contextSize */
async function open(contextSize) {
  const context = await model.createContext({
    contextSize,
    experimentalKvCacheKeyType: cacheType,
    experimentalKvCacheValueType: cacheType,
    ...(isExact && { flashAttention: false }),
    batchSize: Math.min(contextSize, 512),
    threads,
    sequences: 1,
  });
  return context.getSequence();
}

/** @param {number} length @param {number} tokens */
async function measure(length, tokens) {
  const sequence = await open(length + tokens + warmUp + 64);
  const ids = Array.from(
    { length },
    (_, i) => /** @type {import("node-llama-cpp").Token} */ ((i * 7919 + 13) % idLimit),
  );
  await sequence.evaluateWithoutGeneratingNewTokens(ids);
  await sequence.clearHistory();
  const start = performance.now();
  await sequence.evaluateWithoutGeneratingNewTokens(ids);
  const prefill = length / ((performance.now() - start) / 1000);
  await sequence.clearHistory();
  let [first, last, count] = [0, 0, 0];
  for await (const _ of sequence.evaluate(ids.slice(0, 8), { temperature: 0, yieldEogToken: true })) {
    last = performance.now();
    if (count === warmUp) first = last;
    if (count++ === warmUp + tokens) break;
  }
  return { prefill, decode: tokens / ((last - first) / 1000) };
}

/** @param {readonly number[]} ids @param {string} path */
async function logits(ids, path) {
  const sequence = await open(ids.length + 8);
  const input = ids.map(
    (id) =>
      /** @type {import("node-llama-cpp").ControlledEvaluateInputItem} */ ([
        id,
        { generateNext: { logits: true } },
      ]),
  );
  const results = await sequence.controlledEvaluate(input);
  const vocabulary = results[0]?.next.logits?.size ?? 0;
  const rows = new Float32Array(ids.length * vocabulary);
  for (const [i, result] of results.entries()) {
    const found = result?.next.logits;
    if (found === undefined || found.size !== vocabulary)
      throw new Error(`position ${i}: got ${found?.size} logits, expected ${vocabulary}`);
    for (const [id, value] of found) rows[i * vocabulary + id] = value;
  }
  writeFileSync(path, rows);
  return { positions: ids.length, vocabulary };
}

const [a = "", b = ""] = rest;
const result =
  command === "measure"
    ? await measure(Number(a), Number(b))
    : await logits(JSON.parse(readFileSync(a, "utf8")), b);
console.log(JSON.stringify(result));
await llama.dispose();
