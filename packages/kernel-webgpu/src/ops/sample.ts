import type { SampleArgs, SampleLogProbs, SampleRow } from "@mamba/kernel";
import type { Sizes } from "@mamba/kernel/author";
import { memoize } from "../memoize.ts";
import { uploadArray } from "../memory/hostArrays.ts";
import type { WebGpuTensor } from "../memory/tensor.ts";
import type { Op, Own } from "../op.ts";
import type { Runtime } from "../runtime.ts";
import { adjustShader } from "../sampling/adjust.ts";
import { logProbsShader } from "../sampling/logProbs.ts";
import { defineShader } from "../shader.ts";
import { bucketCut } from "../wgsl/buckets.ts";
import { finiteKeys, keyOf, largestKey } from "../wgsl/keys.ts";
import { argmaxShader } from "./argmax.ts";

/** Words of the options of a row: temperature, topP, minP, topK, uniform, repetition penalty; all but topK are f32. */
const optionWords = 6;

// One workgroup per row. topK and topP each give a threshold on the keys of the logits (see `keyOf`), which is found four bits
// at a time from the probability mass in each of sixteen buckets. That takes eight passes over the row.
export const sampleShader = memoize((subgroups: boolean) =>
  defineShader({
    name: "sample",
    enable: subgroups ? ["subgroups"] : [],
    read: { logits: "u32", options: "u32" },
    write: { ids: "i32" },
    params: { vocabSize: "u32" },
    workgroup: 128,
    code: /* wgsl */ `
${keyOf}
${finiteKeys}
${largestKey(subgroups)}
var<private> start: u32;
var<private> largest: f32;
var<private> temperature: f32;
var<private> minP: f32;
var<workgroup> isValid: u32;

fn keyAt(i: u32) -> u32 { return keyOf(logits[start + i]); }
fn hasMass(key: u32) -> bool { return key > noneKey; }
// The mass relative to the most probable token.
fn massOf(i: u32) -> f32 { return exp((bitcast<f32>(logits[start + i]) - largest) / temperature); }
${bucketCut}
// The weight of id i in the draw: 0 when a filter removes it.
fn drawn(i: u32, least: u32) -> f32 {
  let key = keyAt(i);
  if (key < least || !hasMass(key)) { return 0.0; }
  let mass = massOf(i);
  return select(0.0, mass, mass >= minP);
}

fn run(row: u32, lane: u32) {
  start = p.logits_at + row * p.logits_stride;
  var key = 0u;
  var index = 0u;
  for (var i = lane; i < p.vocabSize; i += workgroupSize) {
    let next = keyAt(i);
    if (next > key) { key = next; index = i; }
  }
  let most = largestKey(lane, key, index);
  if (lane == 0u) { isValid = select(0u, 1u, isFiniteKey(most.x)); }
  let option = row * ${optionWords}u;
  temperature = bitcast<f32>(options[option]);
  if (workgroupUniformLoad(&isValid) == 0u || bitcast<f32>(options[option]) == 0.0) {
    if (lane == 0u) { ids[row] = select(-1, i32(most.y), isFiniteKey(most.x)); }
    return;
  }
  largest = numberOf(most.x);
  let topP = bitcast<f32>(options[option + 1u]);
  minP = bitcast<f32>(options[option + 2u]);
  let topK = options[option + 3u];

  var least = 0u;
  if (topK < p.vocabSize) { least = cut(lane, f32(topK), 0u, false); }
  if (topP < 1.0) {
    let wanted = topP * massFrom(lane, least);
    least = cut(lane, wanted, least, true);
  }

  // Each invocation sums a chunk of consecutive ids. The first invocation finds the chunk of the draw, then the id in it.
  let chunk = (p.vocabSize + workgroupSize - 1u) / workgroupSize;
  var sum = 0.0;
  for (var i = lane * chunk; i < min(lane * chunk + chunk, p.vocabSize); i++) { sum += drawn(i, least); }
  sums[lane] = sum;
  workgroupBarrier();
  if (lane != 0u) { return; }
  var all = 0.0;
  var last = 0u;
  for (var k = 0u; k < workgroupSize; k++) {
    all += sums[k];
    if (sums[k] > 0.0) { last = k; }
  }
  let wanted = bitcast<f32>(options[option + 4u]) * all;
  var before = 0.0;
  var k = 0u;
  while (k < last && before + sums[k] <= wanted) { before += sums[k]; k++; }
  var id = 0u;
  var within = 0.0;
  for (var i = k * chunk; i < min(k * chunk + chunk, p.vocabSize); i++) {
    let mass = drawn(i, least);
    if (mass > 0.0) { id = i; }
    within += mass;
    if (before + within > wanted) { break; }
  }
  ids[row] = i32(id);
}`,
  }),
);

export const sample: Op<"sample"> = (runtime, sizes, args, want) => {
  const op = "sample";
  const { batch, vocabSize } = sizes;
  const { subgroups } = runtime.traits;
  const { logits, rows } = args;
  const ids = runtime.result(op, [batch], "i32");
  const options = needsOptions(args) ? uploadOptions(runtime, rows, vocabSize) : undefined;
  const adjusted = isAdjusted(args) ? adjust(runtime, sizes, args, options) : undefined;
  const from = adjusted ?? logits;
  if (rows.every(isGreedy))
    runtime.run(op, argmaxShader(subgroups), { logits: from, ids }, { vocabSize }, batch);
  else runtime.run(op, sampleShader(subgroups), { logits: from, options, ids }, { vocabSize }, batch);
  for (const temporary of [options, adjusted]) temporary?.dispose();
  return want ? { ids, ...logProbs(runtime, sizes, logits, ids, want.logProbs) } : { ids };
};

type Args = Own<SampleArgs>;

function isGreedy({ temperature }: SampleRow): boolean {
  return temperature === 0;
}

function isPenalised({ seen, rows }: Args): boolean {
  return seen !== undefined && rows.some(({ repetitionPenalty = 1 }) => repetitionPenalty !== 1);
}

/** True when logits change before one is chosen. */
function isAdjusted(args: Args): boolean {
  return args.add !== undefined || args.allow !== undefined || isPenalised(args);
}

/** True when a shader reads the options. */
function needsOptions(args: Args): boolean {
  return isPenalised(args) || !args.rows.every(isGreedy);
}

function uploadOptions(runtime: Runtime, rows: readonly SampleRow[], vocabSize: number): WebGpuTensor {
  const words = new Int32Array(rows.length * optionWords);
  const floats = new Float32Array(words.buffer);
  rows.forEach((row, b) => {
    const { temperature, topP = 1, minP = 0, topK = vocabSize, uniform, repetitionPenalty = 1 } = row;
    floats.set([temperature, topP, minP, 0, uniform, repetitionPenalty], b * optionWords);
    words[b * optionWords + 3] = Math.min(topK, vocabSize);
  });
  return uploadArray(runtime, "sample", words, [words.length], "i32");
}

/** Returns the logits after repetition penalty, `add` and `allow`. */
function adjust(
  runtime: Runtime,
  { batch, vocabSize, seenCount, addCount }: Sizes<"sample">,
  args: Args,
  options: WebGpuTensor | undefined,
): WebGpuTensor {
  const { logits, seen, add, allow } = args;
  const y = runtime.result("sample", [batch, vocabSize]);
  const buffers = {
    logits,
    options,
    seen: isPenalised(args) ? seen : undefined,
    ids: add?.ids,
    values: add?.values,
    allow,
    y,
  };
  runtime.run("sample", adjustShader, buffers, { vocabSize, seenCount, addCount, optionWords }, batch);
  return y;
}

function logProbs(
  runtime: Runtime,
  { batch, vocabSize }: Sizes<"sample">,
  logits: WebGpuTensor,
  ids: WebGpuTensor,
  count: number,
): SampleLogProbs {
  const op = "sample";
  const logProb = runtime.result(op, [batch]);
  const topIds = count > 0 ? runtime.result(op, [batch, count], "i32") : undefined;
  const topLogProbs = topIds && runtime.result(op, topIds.shape);
  const shader = logProbsShader(runtime.traits.subgroups);
  runtime.run(op, shader, { logits, ids, logProb, topIds, topLogProbs }, { vocabSize, count }, batch);
  return topIds && topLogProbs ? { logProb, topIds, topLogProbs } : { logProb };
}
