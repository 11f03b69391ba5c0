import {
  type AllOps,
  elementCount,
  type FloatDType,
  fromFloat32,
  hostLength,
  type Grads,
  type Shape,
  type Tensor,
} from "@mamba/kernel";
import {
  AttentionResidual,
  type AttentionSizes,
  type OpImplementation,
  type OpTable,
  ScanResidual,
  SsdResidual,
  type SsdSizes,
} from "@mamba/kernel/author";
import { reference } from "../src/index.ts";
import type { Arena, ArenaTensor } from "./arena.ts";

// Every op on the float64 reference: dense copies of the arguments go in, a new tensor comes out.

export type Op<K extends keyof AllOps> = OpImplementation<K, Arena, ArenaTensor>;

export const upload: OpTable<Arena, ArenaTensor>["upload"] = (arena, data, shape, dtype) =>
  arena.result(shape, data, dtype);

export const zeros: OpTable<Arena, ArenaTensor>["zeros"] = (arena, shape, dtype) => {
  const tensor = arena.allocate(dtype, shape);
  tensor.elements.fill(0, 0, hostLength(dtype, elementCount(shape)));
  return tensor;
};

export const write: Op<"write"> = (_arena, _sizes, target, start, data) => {
  target.elements.set(data, hostLength(target.dtype, start));
};

export const copyInto: Op<"copyInto"> = (_arena, _sizes, target, source) => {
  const values = source.dense();
  // f32 into a 16-bit type rounds; any other copy keeps the bits.
  const rounds = values instanceof Float32Array && target.dtype !== "f32";
  target.elements.set(rounds ? fromFloat32(values, target.dtype as FloatDType) : values);
};

export const gatherRows: Op<"gatherRows"> = (arena, _sizes, x, rows) => {
  const [count = 1, ...rest] = x.shape;
  const data = x.dense();
  const size = data.length / count;
  const gathered = arena.allocate(x.dtype, [rows.length, ...rest]);
  rows.forEach((row, i) => {
    gathered.elements.set(data.subarray(row * size, (row + 1) * size), i * size);
  });
  return gathered;
};

export const add: Op<"add"> = (arena, _sizes, a, b) =>
  arena.result(a.shape, reference.add(a.values(), b.values()));

export const sub: Op<"sub"> = (arena, _sizes, a, b) =>
  arena.result(a.shape, reference.sub(a.values(), b.values()));

export const div: Op<"div"> = (arena, _sizes, a, b) =>
  arena.result(a.shape, reference.div(a.values(), b.values()));

export const mul: Op<"mul"> = (arena, _sizes, a, b) =>
  arena.result(a.shape, reference.mul(a.values(), b.values()));

export const scale: Op<"scale"> = (arena, _sizes, x, factor) =>
  arena.result(x.shape, reference.scale(x.values(), factor));

export const silu: Op<"silu"> = (arena, _sizes, x) => arena.result(x.shape, reference.silu(x.values()));

export const siluBackward: Op<"siluBackward"> = (arena, _sizes, dy, x) =>
  arena.result(x.shape, reference.siluBackward(dy.values(), x.values()));

export const exp: Op<"exp"> = (arena, _sizes, x) => arena.result(x.shape, reference.exp(x.values()));

export const log: Op<"log"> = (arena, _sizes, x) => arena.result(x.shape, reference.log(x.values()));

export const sqrt: Op<"sqrt"> = (arena, _sizes, x) => arena.result(x.shape, reference.sqrt(x.values()));

export const tanh: Op<"tanh"> = (arena, _sizes, x) => arena.result(x.shape, reference.tanh(x.values()));

export const sigmoid: Op<"sigmoid"> = (arena, _sizes, x) =>
  arena.result(x.shape, reference.sigmoid(x.values()));

export const tanhBackward: Op<"tanhBackward"> = (arena, _sizes, dy, y) =>
  arena.result(y.shape, reference.tanhBackward(dy.values(), y.values()));

export const sigmoidBackward: Op<"sigmoidBackward"> = (arena, _sizes, dy, y) =>
  arena.result(y.shape, reference.sigmoidBackward(dy.values(), y.values()));

export const gelu: Op<"gelu"> = (arena, _sizes, x, approximate) =>
  arena.result(x.shape, reference.gelu(x.values(), approximate));

export const geluBackward: Op<"geluBackward"> = (arena, _sizes, dy, x, approximate) =>
  arena.result(x.shape, reference.geluBackward(dy.values(), x.values(), approximate));

export const reluSquared: Op<"reluSquared"> = (arena, _sizes, x) =>
  arena.result(x.shape, reference.reluSquared(x.values()));

export const reluSquaredBackward: Op<"reluSquaredBackward"> = (arena, _sizes, dy, x) =>
  arena.result(x.shape, reference.reluSquaredBackward(dy.values(), x.values()));

export const softmax: Op<"softmax"> = (arena, { rows, features }, x) =>
  arena.result(x.shape, reference.softmax(rows, features, x.values()));

export const softmaxBackward: Op<"softmaxBackward"> = (arena, { rows, features }, dy, y) =>
  arena.result(y.shape, reference.softmaxBackward(rows, features, dy.values(), y.values()));

export const rotary: Op<"rotary"> = (arena, { batch, length, heads, headDim, pairs }, args) => {
  const extents = { rows: batch * length, H: heads, Dh: headDim, S: pairs };
  return arena.result(args.x.shape, reference.rotary(extents, args.x.values(), args.angles.values(), args));
};

export const rotaryBackwardAngles: Op<"rotaryBackwardAngles"> = (arena, sizes, dy, args) => {
  const { batch, length, heads, headDim, pairs } = sizes;
  const extents = { rows: batch * length, H: heads, Dh: headDim, S: pairs };
  const values = [dy.values(), args.x.values(), args.angles.values()] as const;
  return arena.result(args.angles.shape, reference.rotaryBackwardAngles(extents, ...values, args));
};

export const dropout: Op<"dropout"> = (arena, _sizes, x, probability, seed) =>
  arena.result(x.shape, reference.dropout(x.values(), probability, seed));

export const negExp: Op<"negExp"> = (arena, _sizes, x) => arena.result(x.shape, reference.negExp(x.values()));

export const accumulate: Op<"accumulate"> = (_arena, _sizes, target, x, factor) => {
  target.set(reference.accumulate(target.values(), x.values(), factor));
};

export const flip: Op<"flip"> = (arena, { batch, length, channels }, x) =>
  arena.result(x.shape, reference.flip(batch, length, channels, x.values()));

export const linear: Op<"linear"> = (arena, { rows, inFeatures, outFeatures, shape }, x, weight, bias) =>
  arena.result(
    shape,
    reference.linear(rows, inFeatures, outFeatures, x.values(), weight.values(), bias?.values()),
  );

export const linearBackwardInput: Op<"linearBackwardInput"> = (arena, sizes, dy, weight) => {
  const { rows, inFeatures, outFeatures, shape } = sizes;
  const dx = reference.linearBackwardInput(rows, inFeatures, outFeatures, dy.values(), weight.values());
  return arena.result(shape, dx);
};

export const linearBackwardWeight: Op<"linearBackwardWeight"> = (arena, sizes, dy, x) => {
  const { rows, inFeatures, outFeatures } = sizes;
  const dWeight = reference.linearBackwardWeight(rows, inFeatures, outFeatures, dy.values(), x.values());
  return arena.result([outFeatures, inFeatures], dWeight);
};

export const sumRows: Op<"sumRows"> = (arena, { rows, features }, dy) =>
  arena.result([features], reference.sumRows(rows, features, dy.values()));

export const rmsNorm: Op<"rmsNorm"> = (arena, { rows, features }, x, weight, eps) =>
  arena.result(x.shape, reference.rmsNorm(rows, features, x.values(), weight?.values(), eps));

export const rmsNormBackward: Op<"rmsNormBackward"> = (arena, sizes, dy, x, weight, eps) => {
  const { rows, features } = sizes;
  const values = [dy.values(), x.values(), weight?.values()] as const;
  const grads = reference.rmsNormBackward(rows, features, ...values, eps);
  const dx = arena.result(x.shape, grads.dx);
  return weight ? { dx, dWeight: arena.result([features], grads.dWeight) } : { dx };
};

export const gatedRmsNorm: Op<"gatedRmsNorm"> = (arena, sizes, args) => {
  const { rows, features: D, groups } = sizes;
  const { eps, normBeforeGate } = args;
  const values = { ...valuesOf(args), eps, normBeforeGate };
  return arena.result(args.x.shape, reference.gatedRmsNorm({ rows, D, groups }, values));
};

export const gatedRmsNormBackward: Op<"gatedRmsNormBackward"> = (arena, sizes, dy, args) => {
  const { rows, features: D, groups } = sizes;
  const { eps, normBeforeGate } = args;
  const values = { ...valuesOf(args), eps, normBeforeGate };
  return gradientsOf(arena, args, reference.gatedRmsNormBackward({ rows, D, groups }, dy.values(), values));
};

export const layerNorm: Op<"layerNorm"> = (arena, { rows, features }, x, weight, bias, eps) =>
  arena.result(
    x.shape,
    reference.layerNorm(rows, features, x.values(), weight?.values(), bias?.values(), eps),
  );

export const layerNormBackward: Op<"layerNormBackward"> = (arena, sizes, dy, x, weight, bias, eps) => {
  const { rows, features } = sizes;
  const values = [dy.values(), x.values(), weight?.values()] as const;
  const { dx, dWeight, dBias } = reference.layerNormBackward(rows, features, ...values, eps);
  return {
    dx: arena.result(x.shape, dx),
    ...(weight && { dWeight: arena.result([features], dWeight) }),
    ...(bias && { dBias: arena.result([features], dBias) }),
  };
};

export const meanPositions: Op<"meanPositions"> = (arena, sizes, args) => {
  const { batch, length, channels, sequences } = sizes;
  const { x, ...rest } = valuesOf(args);
  return arena.result([sequences, channels], reference.meanPositions(batch, length, channels, x, rest));
};

export const meanPositionsBackward: Op<"meanPositionsBackward"> = (arena, sizes, args) => {
  const { batch, length, channels } = sizes;
  const { dy, ...rest } = valuesOf(args);
  const dx = reference.meanPositionsBackward(batch, length, channels, dy, rest);
  return arena.result([batch, length, channels], dx);
};

export const maxPositions: Op<"maxPositions"> = (arena, sizes, args) => {
  const { batch, length, channels, sequences } = sizes;
  const { x, ...rest } = valuesOf(args);
  const { y, index } = reference.maxPositions(batch, length, channels, x, rest);
  const shape = [sequences, channels];
  return { y: arena.result(shape, y), index: arena.result(shape, index, "i32") };
};

export const maxPositionsBackward: Op<"maxPositionsBackward"> = (arena, sizes, { dy, index }) => {
  const { batch, length, channels } = sizes;
  const dx = reference.maxPositionsBackward(batch, length, channels, dy.values(), index.values());
  return arena.result([batch, length, channels], dx);
};

export const embedding: Op<"embedding"> = (arena, { vocabSize, features, shape }, ids, weight) =>
  arena.result(shape, reference.embedding(vocabSize, features, ids.values(), weight.values()));

export const embeddingBackward: Op<"embeddingBackward"> = (arena, { features }, dy, ids, vocabSize) => {
  const dWeight = reference.embeddingBackward(vocabSize, features, dy.values(), ids.values());
  return arena.result([vocabSize, features], dWeight);
};

export const causalConv1d: Op<"causalConv1d"> = (arena, sizes, args, want) => {
  const { batch, length, channels, width } = sizes;
  const values = { ...valuesOf(args), activation: args.activation };
  const results = reference.causalConv1d(batch, length, channels, width, values);
  const y = arena.result(args.x.shape, results.y);
  return want ? { y, finalState: arena.result([batch, channels, width - 1], results.finalState) } : { y };
};

export const causalConv1dStep: Op<"causalConv1dStep"> = (arena, sizes, state, args) => {
  const { batch, channels, width } = sizes;
  const values = { ...valuesOf(args), activation: args.activation };
  const after = reference.causalConv1dStep(batch, channels, width, state.values(), values);
  state.elements.set(after.state);
  return arena.result(args.x.shape, after.y);
};

export const causalConv1dBackward: Op<"causalConv1dBackward"> = (arena, sizes, dy, args, dFinalState) => {
  const { batch, length, channels, width } = sizes;
  const values = { ...valuesOf(args), activation: args.activation };
  const dState = dFinalState?.values();
  const grads = reference.causalConv1dBackward(batch, length, channels, width, dy.values(), values, dState);
  return gradientsOf(arena, args, { ...grads });
};

export const selectiveScan: Op<"selectiveScan"> = (arena, sizes, args, want) => {
  const { batch, length, channels, stateSize } = sizes;
  // The state is rounded at every position, so that the bits do not depend on the chunks of a sequence.
  const values = { ...valuesOf(args), deltaSoftplus: args.deltaSoftplus, roundState: true };
  const results = reference.selectiveScan(batch, length, channels, stateSize, values);
  const y = arena.result(args.u.shape, results.y);
  return want ? { y, finalState: arena.result([batch, channels, stateSize], results.finalState) } : { y };
};

export const selectiveStateUpdate: Op<"selectiveStateUpdate"> = (arena, sizes, state, args) => {
  const { batch, channels, stateSize } = sizes;
  const values = { ...valuesOf(args), deltaSoftplus: args.deltaSoftplus };
  const after = reference.selectiveStateUpdate(batch, channels, stateSize, state.values(), values);
  state.elements.set(after.state);
  return arena.result(args.u.shape, after.y);
};

export const selectiveScanForward: Op<"selectiveScanForward"> = (arena, sizes, args) => {
  const { batch, length, channels, stateSize } = sizes;
  const values = { ...valuesOf(args), deltaSoftplus: args.deltaSoftplus };
  const results = reference.selectiveScanForward(batch, length, channels, stateSize, values);
  return {
    y: arena.result(args.u.shape, results.y),
    finalState: arena.result([batch, channels, stateSize], results.finalState),
    // The backward below computes all states again, so one element is kept instead of those at chunk boundaries.
    residual: new ScanResidual(arena.result([1], [0]), sizes),
  };
};

export const selectiveScanBackward: Op<"selectiveScanBackward"> = (
  arena,
  { batch, length, channels, stateSize },
  dy,
  args,
  _residual,
  dFinalState,
) => {
  const values = { ...valuesOf(args), deltaSoftplus: args.deltaSoftplus };
  const sizes = [batch, length, channels, stateSize] as const;
  const grads = reference.selectiveScanBackward(...sizes, dy.values(), values, dFinalState?.values());
  return gradientsOf(arena, args, grads);
};

export const attention: Op<"attention"> = (arena, sizes, args) =>
  arena.result(
    resultShape(sizes),
    reference.attention(shapeOf(sizes), { ...valuesOf(args), scale: args.scale }),
  );

export const attentionForward: Op<"attentionForward"> = (arena, sizes, args) => ({
  y: attention(arena, sizes, args),
  // The backward below computes the softmax again.
  residual: new AttentionResidual(arena.result([1], [0]), sizes),
});

export const attentionBackward: Op<"attentionBackward"> = (arena, sizes, dy, args) => {
  const values = { ...valuesOf(args), scale: args.scale };
  return gradientsOf(arena, args, reference.attentionBackward(shapeOf(sizes), dy.values(), values));
};

export const cachedAttention: Op<"cachedAttention"> = (arena, sizes, args) => {
  const { keys, values } = args;
  const shape = { ...shapeOf(sizes), T: sizes.capacity };
  const after = reference.cachedAttention(shape, { ...valuesOf(args), scale: args.scale });
  keys.set(after.keys);
  values.set(after.values);
  return arena.result(resultShape(sizes), after.y);
};

/** The sizes of an attention as the references take them. */
function shapeOf({ batch, length, heads, kvHeads, keyDim, valueDim }: AttentionSizes) {
  return { B: batch, L: length, H: heads, G: kvHeads, K: keyDim, V: valueDim };
}

function resultShape({ batch, length, heads, valueDim }: AttentionSizes): Shape {
  return [batch, length, heads * valueDim];
}

export const routeExperts: Op<"routeExperts"> = (arena, sizes, args) => {
  const { rows, expertCount, perToken } = sizes;
  const chosen = reference.routeExperts(rows, expertCount, routeValues(args));
  return {
    experts: arena.result([rows, perToken], chosen.experts, "i32"),
    weights: arena.result([rows, perToken], chosen.weights),
  };
};

export const routeExpertsBackward: Op<"routeExpertsBackward"> = (arena, sizes, dWeights, args, experts) => {
  const { rows, expertCount } = sizes;
  const values = [dWeights.values(), routeValues(args), experts.values()] as const;
  return arena.result([rows, expertCount], reference.routeExpertsBackward(rows, expertCount, ...values));
};

/** The arguments of a router as the references take them. */
function routeValues(args: Parameters<Op<"routeExperts">>[2]) {
  const { perToken, scoring, normalize = false, scale = 1 } = args;
  return { ...valuesOf(args), perToken, scoring, normalize, scale };
}

export const expertLoads: Op<"expertLoads"> = (arena, { rows, perToken, expertCount }, experts) =>
  arena.result([expertCount], reference.expertLoads(rows, perToken, expertCount, experts.values()));

export const expertLinear: Op<"expertLinear"> = (arena, sizes, { x, weight, experts }) => {
  const { rows, perToken, outFeatures, shared } = sizes;
  const values = [x.values(), weight.values(), experts.values()] as const;
  return arena.result(
    [rows, perToken, outFeatures],
    reference.expertLinear(expertSizes(sizes), ...values, shared),
  );
};

export const expertLinearBackwardInput: Op<"expertLinearBackwardInput"> = (
  arena,
  sizes,
  dy,
  weight,
  experts,
) => {
  const { rows, perToken, inFeatures } = sizes;
  const values = [dy.values(), weight.values(), experts.values()] as const;
  const dx = reference.expertLinearBackwardInput(expertSizes(sizes), ...values);
  return arena.result([rows, perToken, inFeatures], dx);
};

export const expertLinearBackwardWeight: Op<"expertLinearBackwardWeight"> = (
  arena,
  sizes,
  dy,
  x,
  experts,
) => {
  const { expertCount, outFeatures, inFeatures, shared } = sizes;
  const values = [dy.values(), x.values(), experts.values()] as const;
  const dWeight = reference.expertLinearBackwardWeight(expertSizes(sizes), ...values, shared);
  return arena.result([expertCount, outFeatures, inFeatures], dWeight);
};

type ExpertSizes = Parameters<Op<"expertLinearBackwardInput">>[1];

function expertSizes({ rows, perToken, expertCount, outFeatures, inFeatures }: ExpertSizes) {
  return { R: rows, K: perToken, E: expertCount, O: outFeatures, I: inFeatures };
}

export const combineExperts: Op<"combineExperts"> = (arena, { rows, perToken, outFeatures }, y, weights) =>
  arena.result(
    [rows, outFeatures],
    reference.combineExperts(rows, perToken, outFeatures, y.values(), weights.values()),
  );

export const combineExpertsBackward: Op<"combineExpertsBackward"> = (arena, sizes, dOut, y, weights) => {
  const { rows, perToken, outFeatures } = sizes;
  const values = [dOut.values(), y.values(), weights.values()] as const;
  const grads = reference.combineExpertsBackward(rows, perToken, outFeatures, ...values);
  return { y: arena.result(y.shape, grads.y), weights: arena.result(weights.shape, grads.weights) };
};

export const discretize: Op<"discretize"> = (arena, { rows, heads, min, max, shape }, args) =>
  arena.result(shape, reference.discretize(rows, heads, valuesOf(args), { min, max }));

export const discretizeBackward: Op<"discretizeBackward"> = (arena, { rows, heads, min, max }, dy, args) => {
  const grads = reference.discretizeBackward(rows, heads, dy.values(), valuesOf(args), { min, max });
  return gradientsOf(arena, args, grads);
};

/** The sizes by their letters. */
export function ssdExtents({ batch, length, heads, headDim, groups, stateSize }: SsdSizes) {
  return { B: batch, L: length, H: heads, P: headDim, G: groups, N: stateSize };
}

export const ssdScan: Op<"ssdScan"> = (arena, sizes, args, want) => {
  const { batch, heads, headDim, stateSize } = sizes;
  // The state is rounded at every position, so that the bits do not depend on the chunks of a sequence.
  const results = reference.ssdScan(ssdExtents(sizes), { ...valuesOf(args), roundState: true });
  const y = arena.result(args.x.shape, results.y);
  const stateShape = [batch, heads, headDim, stateSize];
  return want ? { y, finalState: arena.result(stateShape, results.finalState) } : { y };
};

export const ssdStateUpdate: Op<"ssdStateUpdate"> = (arena, sizes, state, args) => {
  const extents = ssdExtents({ ...sizes, length: 1 });
  const after = reference.ssdStateUpdate(extents, state.values(), valuesOf(args));
  state.elements.set(after.state);
  return arena.result(args.x.shape, after.y);
};

export const ssdScanForward: Op<"ssdScanForward"> = (arena, sizes, args) => {
  const { batch, heads, headDim, stateSize } = sizes;
  const results = reference.ssdScanForward(ssdExtents(sizes), valuesOf(args));
  return {
    y: arena.result(args.x.shape, results.y),
    finalState: arena.result([batch, heads, headDim, stateSize], results.finalState),
    // The backward computes all states again, like that of `selectiveScan`.
    residual: new SsdResidual(arena.result([1], [0]), sizes),
  };
};

export const ssdScanBackward: Op<"ssdScanBackward"> = (arena, sizes, dy, args, _residual, dFinalState) => {
  const values = [dy.values(), valuesOf(args), dFinalState?.values()] as const;
  return gradientsOf(arena, args, reference.ssdScanBackward(ssdExtents(sizes), ...values));
};

export const argmax: Op<"argmax"> = (arena, { batch, vocabSize }, logits) =>
  arena.result([batch], reference.argmax(batch, vocabSize, logits.values()), "i32");

export const sample: Op<"sample"> = (arena, { batch }, args, want) => {
  const { logits, rows, seen, add, allow } = args;
  const values = {
    logits: logits.values(),
    seen: seen?.values(),
    ids: add?.ids.values(),
    values: add?.values.values(),
    allow: allow?.values(),
  };
  const K = want?.logProbs ?? 0;
  const sampled = reference.sample(batch, values, rows, K);
  const ids = arena.result([batch], sampled.ids, "i32");
  if (!want) return { ids };
  const logProb = arena.result([batch], sampled.logProb);
  if (K === 0) return { ids, logProb };
  const topIds = arena.result([batch, K], sampled.topIds, "i32");
  return { ids, logProb, topIds, topLogProbs: arena.result([batch, K], sampled.topLogProbs) };
};

export const crossEntropy: Op<"crossEntropy"> = (arena, sizes, logits, targets, options) => {
  const { rows, vocabSize, ...rest } = sizes;
  const settings = { ...rest, classWeights: options?.classWeights?.values() };
  const loss = reference.crossEntropy(rows, vocabSize, logits.values(), targets.values(), settings);
  return { loss: arena.result([1], loss) };
};

export const crossEntropyWithGradient: Op<"crossEntropyWithGradient"> = (
  arena,
  sizes,
  logits,
  targets,
  options,
) => {
  const { rows, vocabSize, ...rest } = sizes;
  const settings = { ...rest, classWeights: options?.classWeights?.values() };
  const values = [logits.values(), targets.values()] as const;
  const { loss, dLogits } = reference.crossEntropyWithGradient(rows, vocabSize, ...values, settings);
  return { loss: arena.result([1], loss), dLogits: arena.result(logits.shape, dLogits) };
};

export const elementLoss: Op<"elementLoss"> = (arena, _sizes, args) => {
  const { kind, delta } = args;
  return { loss: arena.result([1], reference.elementLoss({ kind, delta, ...valuesOf(args) })) };
};

export const elementLossWithGradient: Op<"elementLossWithGradient"> = (arena, _sizes, args) => {
  const { kind, delta } = args;
  const { loss, dx } = reference.elementLossWithGradient({ kind, delta, ...valuesOf(args) });
  return { loss: arena.result([1], loss), dx: arena.result(args.x.shape, dx) };
};

export const sumOfSquares: Op<"sumOfSquares"> = (arena, _sizes, tensors) =>
  arena.result([1], reference.sumOfSquares(tensors.map((tensor) => tensor.values())));

export const adamwStep: Op<"adamwStep"> = (_arena, _sizes, slots, hyper, gradScale) => {
  const factor = gradScale?.values()[0];
  for (const { param, grad, m, v } of slots) {
    const values = [param.values(), grad.values(), m.values(), v.values()] as const;
    const after = reference.adamwStep(...values, hyper, factor);
    param.set(after.param);
    m.set(after.m);
    v.set(after.v);
  }
};

type Values<A> = { [K in keyof A as ArenaTensor extends A[K] ? K : never]: ValuesOf<A[K]> };
type ValuesOf<T> = T extends ArenaTensor ? Float32Array | Int32Array : undefined;

/** The values of the tensors in a record of arguments. */
export function valuesOf<A extends object>(args: A): Values<A> {
  const tensors = Object.entries(args).filter((entry): entry is [string, ArenaTensor] => isTensor(entry[1]));
  return Object.fromEntries(tensors.map(([name, tensor]) => [name, tensor.values()])) as Values<A>;
}

/** New tensors with the gradients of the tensors in a record of arguments. */
export function gradientsOf<A extends object>(
  arena: Arena,
  args: A,
  grads: Readonly<Record<string, Float64Array>>,
): Grads<A> {
  const given = Object.entries(args).flatMap(([name, value]) => {
    const gradient = grads[name];
    return isTensor(value) && gradient ? [[name, arena.result(value.shape, gradient)]] : [];
  });
  return Object.fromEntries(given) as Grads<A>;
}

function isTensor(value: unknown): value is Tensor {
  return typeof value === "object" && value !== null && "rowStride" in value;
}
