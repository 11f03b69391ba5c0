import { parseArgs } from "node:util";
import { attention, MambaLM, mamba, mamba2, mlp, StackState } from "../packages/core/dist/index.js";
import { createCpuKernel } from "../packages/kernel-cpu/dist/index.js";

// `pnpm bench:lengths`: the cost of a token after 1k to 128k tokens, on the CPU, at a small width. A state of each length is filled with
// zeros, so that no long prompt has to be read: the time of an op does not depend on the values. The prompt is read in one chunk of
// 512 tokens after that state, and tokens are decoded one by one. The figures are the medians of interleaved rounds.

const { values } = parseArgs({
  options: {
    lengths: { type: "string", default: "1024,4096,16384,65536,131072" },
    rounds: { type: "string", default: "5" },
    threads: { type: "string", default: "2" },
    width: { type: "string", default: "128" },
  },
});
const lengths = values.lengths.split(",").map(Number);
const rounds = Number(values.rounds);
const dModel = Number(values.width);
const chunk = 512;
const decoded = 16;
const nLayers = 4;
const heads = dModel / 32;

const own = { dModel, nLayers };
const mamba1Layer = { mixer: mamba(own) };
const mamba2Layer = { mixer: mamba2({ ...own, headDim: 32, dState: 64 }) };
const attentionLayer = {
  mixer: attention({ ...own, heads, kvHeads: 1 }),
  ffn: mlp({ ...own, dHidden: 2 * dModel, activation: "silu" }),
};
/** @type {Record<string, readonly import("../packages/core/dist/index.js").LayerSpec[]>} */
const stacks = {
  "Mamba-1": [mamba1Layer, mamba1Layer, mamba1Layer, mamba1Layer],
  "Mamba-2": [mamba2Layer, mamba2Layer, mamba2Layer, mamba2Layer],
  "hybrid, 1 of 4 attention": [mamba2Layer, mamba2Layer, attentionLayer, mamba2Layer],
  "attention only": [attentionLayer, attentionLayer, attentionLayer, attentionLayer],
};

/** @param {number[]} numbers */
function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

const kernel = await createCpuKernel({ threads: Number(values.threads) });
const models = Object.entries(stacks).map(([name, layers]) => {
  return { name, model: MambaLM.init(kernel, { vocabSize: 256, dModel, layers }) };
});

/**
 * Microseconds for each token of a chunk of a prompt and of decoding, after `length` tokens.
 *
 * @param {MambaLM} model
 * @param {number} length
 */
async function measure(model, length) {
  const specs = model.backbone.state;
  const data = specs.map(({ shape, grows }) => {
    const extents = grows === true ? shape(1, length) : shape(1, 0);
    return new Float32Array(extents.reduce((product, extent) => product * extent, 1));
  });
  const state = StackState.upload(kernel, specs, [length], data);
  state.reserve(length + chunk + decoded);
  const bytes = state.tensors.reduce((sum, { shape }) => sum + 4 * shape.reduce((a, b) => a * b, 1), 0);
  const ids = kernel.upload(new Int32Array(chunk), [1, chunk], "i32");
  await kernel.sync();
  let start = performance.now();
  const logits = model.forward(ids, { state, logits: "last" });
  await kernel.read(logits);
  const prefill = (1000 * (performance.now() - start)) / chunk;
  const one = kernel.upload(new Int32Array(1), [1], "i32");
  start = performance.now();
  for (let i = 0; i < decoded; i++) {
    const next = model.step(one, state);
    await kernel.read(next);
    next.dispose();
  }
  const decode = (1000 * (performance.now() - start)) / decoded;
  for (const each of [ids, logits, one, state]) each.dispose();
  return { prefill, decode, bytes };
}

/** @type {Map<string, Awaited<ReturnType<typeof measure>>[]>} */
const found = new Map();
for (let round = -1; round < rounds; round++) {
  for (const length of lengths) {
    for (const { name, model } of models) {
      const result = await measure(model, length);
      if (round < 0) continue; // engines compile WebAssembly again, better, while it first runs
      const key = `${name} ${length}`;
      found.set(key, [...(found.get(key) ?? []), result]);
    }
  }
}

console.log(
  `width ${dModel}, ${nLayers} layers, ${values.threads} threads: microseconds for a token of a prompt, for a decoded token, and the state`,
);
console.log(["after".padStart(8), ...models.map(({ name }) => name.padStart(30))].join(" "));
for (const length of lengths) {
  const cells = models.map(({ name }) => {
    const results = found.get(`${name} ${length}`) ?? [];
    const prefill = median(results.map((each) => each.prefill)).toFixed(0);
    const decode = median(results.map((each) => each.decode)).toFixed(0);
    const bytes = `${((results[0]?.bytes ?? NaN) / 2 ** 20).toFixed(1)} MiB`;
    return `${prefill.padStart(6)} ${decode.padStart(8)} ${bytes.padStart(12)}`.padStart(30);
  });
  console.log([length.toLocaleString("en").padStart(8), ...cells].join(" "));
}
for (const { model } of models) model.dispose();
await kernel.dispose();
