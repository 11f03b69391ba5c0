import { describe, expect, test } from "vitest";
import { pooledRows } from "./cases/pooling.ts";
import { sequenceIdsFor, sequenceKinds } from "./cases/sequenceIds.ts";
import type { Values } from "./math.ts";
import { nmse } from "./nmse.ts";
import { flagLabel, pairwise } from "./pairwise.ts";
import { Random } from "./random.ts";

import { reference } from "./opSuites.ts";

// The reference gradients against central differences of the reference forwards, element by element in float64. With a
// step of 1e-5 the differences themselves are good for nine digits or so, which is an NMSE of 1e-18.
const step = 1e-5;
const tolerance = 1e-15;

type Lists = Readonly<Record<string, Values>>;

const dot = (a: Values, b: Values): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
};

/** Every gradient in `grads` is that of `loss` for the argument of that name. */
function checkGradients(args: Lists, loss: (args: Lists) => number, grads: Lists): void {
  for (const [name, gradient] of Object.entries(grads)) {
    const at = Float64Array.from(args[name] ?? []);
    expect(gradient, name).toHaveLength(at.length);
    const differences = at.map((value, i) => {
      const shifted = (by: number) => loss({ ...args, [name]: at.map((x, j) => (j === i ? value + by : x)) });
      return (shifted(step) - shifted(-step)) / (2 * step);
    });
    expect(nmse(gradient, differences), name).toBeLessThan(tolerance);
  }
}

/** Returns the gradients of the arguments that are present. */
function given(all: Lists, args: Lists): Lists {
  return Object.fromEntries(Object.entries(all).filter(([name]) => name in args));
}

describe("finite differences confirm the reference of", () => {
  const random = new Random("finite differences");
  const normal = (count: number, deviation = 1) => Float64Array.from(random.normals(count, deviation));

  test("siluBackward", () => {
    const [x, dy] = [normal(40, 3), normal(40)];
    const loss = (v: Lists) => dot(dy, reference.silu(v["x"]!));
    checkGradients({ x }, loss, { x: reference.siluBackward(dy, x) });
  });

  test.each([undefined, Int32Array.of(4, 4, -1, 4, 2, 2, 4, 0, 0, 0, -2, 0, 1, 1)])(
    "attentionBackward, with ids %s",
    (sequenceIds) => {
      const shape = { B: 2, L: 7, H: 4, G: 2, K: 3, V: 2 };
      const args = { q: normal(2 * 7 * 12), k: normal(2 * 7 * 6), v: normal(2 * 7 * 4) };
      const dy = normal(2 * 7 * 8);
      const values = (v: Lists) => ({ ...(v as typeof args), scale: 0.7, sequenceIds });
      const loss = (v: Lists) => dot(dy, reference.attention(shape, values(v)));
      checkGradients(args, loss, { ...reference.attentionBackward(shape, dy, values(args)) });
    },
  );

  test.each(["softmax", "topSoftmax", "sigmoid"] as const)("routeExpertsBackward, %s", (scoring) => {
    const [R, E, perToken] = [3, 6, 2];
    const [logits, dWeights] = [normal(R * E), normal(R * perToken)];
    for (const normalize of [false, true]) {
      const values = (v: Lists) => ({ logits: v["logits"]!, perToken, scoring, normalize, scale: 1.5 });
      const loss = (v: Lists) => dot(dWeights, reference.routeExperts(R, E, values(v)).weights);
      const { experts } = reference.routeExperts(R, E, values({ logits }));
      const gradient = reference.routeExpertsBackward(R, E, dWeights, values({ logits }), experts);
      checkGradients({ logits }, loss, { logits: gradient });
    }
  });

  test("expertLinearBackward and combineExpertsBackward", () => {
    const sizes = { R: 3, K: 2, E: 4, O: 3, I: 5 };
    const { R, K, E, O, I } = sizes;
    const experts = Int32Array.of(0, 3, 3, 2, 0, 2);
    const [weight, dy] = [normal(E * O * I), normal(R * K * O)];
    for (const shared of [false, true]) {
      const x = normal(R * (shared ? 1 : K) * I);
      const loss = (v: Lists) =>
        dot(dy, reference.expertLinear(sizes, v["x"]!, v["weight"]!, experts, shared));
      const dx = reference.expertLinearBackwardInput(sizes, dy, weight, experts);
      checkGradients({ x, weight }, loss, {
        ...(!shared && { x: dx }),
        weight: reference.expertLinearBackwardWeight(sizes, dy, x, experts, shared),
      });
    }
    const [y, weights, dOut] = [normal(R * K * O), normal(R * K), normal(R * O)];
    const loss = (v: Lists) => dot(dOut, reference.combineExperts(R, K, O, v["y"]!, v["weights"]!));
    checkGradients({ y, weights }, loss, { ...reference.combineExpertsBackward(R, K, O, dOut, y, weights) });
  });

  test("tanhBackward, sigmoidBackward and softmaxBackward", () => {
    const [rows, D] = [4, 10];
    const [x, dy] = [normal(rows * D, 2), normal(rows * D)];
    const { tanh, sigmoid } = reference;
    checkGradients({ x }, (v) => dot(dy, tanh(v["x"]!)), { x: reference.tanhBackward(dy, tanh(x)) });
    checkGradients({ x }, (v) => dot(dy, sigmoid(v["x"]!)), { x: reference.sigmoidBackward(dy, sigmoid(x)) });
    const y = reference.softmax(rows, D, x);
    checkGradients({ x }, (v) => dot(dy, reference.softmax(rows, D, v["x"]!)), {
      x: reference.softmaxBackward(rows, D, dy, y),
    });
  });

  test("reluSquaredBackward", () => {
    const [x, dy] = [normal(40, 3), normal(40)];
    const loss = (v: Lists) => dot(dy, reference.reluSquared(v["x"]!));
    checkGradients({ x }, loss, { x: reference.reluSquaredBackward(dy, x) });
  });

  test.each([
    [true, true],
    [true, false],
    [false, true],
  ])("discretizeBackward, bias %s, limits %s", (biased, limited) => {
    const [rows, H] = [6, 5];
    const args = {
      // Both sides of the limits and of the threshold of softplus, and nothing within a step of them.
      dt: normal(rows * H, 0.1).map((x, i) => [-6, -2, 0.5, 4, 19, 21][i % 6]! + x),
      A: Float64Array.from(random.uniforms(H, -2, -0.05)),
      ...(biased && { bias: Float64Array.from(random.uniforms(H, 0, 0.1)) }),
    };
    const limits = limited ? { min: 0.01, max: 3 } : { min: 0, max: Infinity };
    const dy = normal(rows * 2 * H);
    const loss = (v: Lists) => dot(dy, reference.discretize(rows, H, v as typeof args, limits));
    checkGradients(args, loss, given(reference.discretizeBackward(rows, H, dy, args, limits), args));
  });

  test.each([true, false])("gatedRmsNormBackward, norm first %s", (normBeforeGate) => {
    const sizes = { rows: 3, D: 12, groups: 3 };
    const args = { x: normal(36), z: normal(36, 2), weight: normal(12) };
    const fixed = { eps: 1e-2, normBeforeGate };
    const dy = normal(36);
    const loss = (v: Lists) => dot(dy, reference.gatedRmsNorm(sizes, { ...(v as typeof args), ...fixed }));
    checkGradients(args, loss, reference.gatedRmsNormBackward(sizes, dy, { ...args, ...fixed }));
  });

  test.each([
    ["half", false, false],
    ["half", true, true],
    ["interleaved", false, true],
    ["interleaved", true, false],
  ] as const)(
    "rotary by the inverse and rotaryBackwardAngles, %s %s %s",
    (pairing, anglesPerHead, inverse) => {
      const sizes = { rows: 3, H: 2, Dh: 7, S: 3 };
      const { rows, H, Dh, S } = sizes;
      const scalars = { pairing, anglesPerHead, inverse };
      const args = { x: normal(rows * H * Dh), angles: normal(rows * S * (anglesPerHead ? H : 1), 3) };
      const dy = normal(rows * H * Dh);
      const loss = (v: Lists) => dot(dy, reference.rotary(sizes, v["x"]!, v["angles"]!, scalars));
      checkGradients(args, loss, {
        x: reference.rotary(sizes, dy, args.angles, { ...scalars, inverse: !inverse }),
        angles: reference.rotaryBackwardAngles(sizes, dy, args.x, args.angles, scalars),
      });
    },
  );

  test.each(["none", "tanh"] as const)("geluBackward, %s", (form) => {
    const [x, dy] = [normal(40, 2), normal(40)];
    const loss = (v: Lists) => dot(dy, reference.gelu(v["x"]!, form));
    checkGradients({ x }, loss, { x: reference.geluBackward(dy, x, form) });
  });

  test.each([
    [true, true],
    [true, false],
    [false, false],
  ])("layerNormBackward, weight %s, bias %s", (weighted, biased) => {
    const [rows, D, eps] = [3, 7, 1e-2];
    const args = {
      x: normal(rows * D),
      ...(weighted && { weight: normal(D) }),
      ...(biased && { bias: normal(D) }),
    };
    const dy = normal(rows * D);
    const loss = (v: Lists) => dot(dy, reference.layerNorm(rows, D, v["x"]!, v["weight"], v["bias"], eps));
    const { dx, dWeight, dBias } = reference.layerNormBackward(rows, D, dy, args.x, args.weight, eps);
    checkGradients(args, loss, given({ x: dx, weight: dWeight, bias: dBias }, args));
  });

  test.each([true, false])("meanPositionsBackward and maxPositionsBackward, packed %s", (packed) => {
    const [B, L, D] = [3, 9, 2];
    const { ids, ranges } = pooledRows(B, L);
    // Sequences without positions have NaN, which has no gradient.
    const real = ranges.slice(0, Math.max(...ids) + 1);
    const sequences = packed ? { sequenceIds: ids, ranges: real.flat() } : {};
    const S = packed ? real.length : B;
    const [x, dy] = [normal(B * L * D), normal(S * D)];
    checkGradients({ x }, (v) => dot(dy, reference.meanPositions(B, L, D, v["x"]!, sequences)), {
      x: reference.meanPositionsBackward(B, L, D, dy, sequences),
    });
    const { index } = reference.maxPositions(B, L, D, x, sequences);
    checkGradients({ x }, (v) => dot(dy, reference.maxPositions(B, L, D, v["x"]!, sequences).y), {
      x: reference.maxPositionsBackward(B, L, D, dy, index),
    });
  });

  test("linearBackwardInput, linearBackwardWeight and sumRows", () => {
    const [rows, I, O] = [4, 5, 3];
    const args = { x: normal(rows * I), weight: normal(O * I), bias: normal(O) };
    const dy = normal(rows * O);
    const loss = (v: Lists) => dot(dy, reference.linear(rows, I, O, v["x"]!, v["weight"]!, v["bias"]));
    checkGradients(args, loss, {
      x: reference.linearBackwardInput(rows, I, O, dy, args.weight),
      weight: reference.linearBackwardWeight(rows, I, O, dy, args.x),
      bias: reference.sumRows(rows, O, dy),
    });
  });

  test.each([true, false])("rmsNormBackward, weight %s", (weighted) => {
    const [rows, D, eps] = [3, 7, 1e-2];
    const args = { x: normal(rows * D), ...(weighted && { weight: normal(D) }) };
    const dy = normal(rows * D);
    const loss = (v: Lists) => dot(dy, reference.rmsNorm(rows, D, v["x"]!, v["weight"], eps));
    const { dx, dWeight } = reference.rmsNormBackward(rows, D, dy, args.x, args.weight, eps);
    checkGradients(args, loss, { x: dx, ...(weighted && { weight: dWeight }) });
  });

  test("embeddingBackward, with repeats and ids out of range", () => {
    const [V, D, ids] = [5, 3, Int32Array.of(1, 4, 1, -3, 9, 1)];
    const dy = normal(ids.length * D);
    const loss = (v: Lists) => dot(dy, reference.embedding(V, D, ids, v["weight"]!));
    checkGradients({ weight: normal(V * D) }, loss, { weight: reference.embeddingBackward(V, D, dy, ids) });
  });

  const convFlags = pairwise(["bias", "silu", "initialState", "sequenceIds", "dFinalState"]);
  for (const flags of convFlags) {
    test(`causalConv1dBackward${flagLabel(flags)}`, () => {
      for (const [B, L, D, W] of [
        [sequenceKinds, 7, 2, 4],
        [2, 2, 3, 5],
      ] as const) {
        const args = {
          x: normal(B * L * D),
          weight: normal(D * W),
          ...(flags.bias && { bias: normal(D) }),
          ...(flags.initialState && { initialState: normal(B * D * (W - 1)) }),
        };
        const fixed = {
          activation: flags.silu ? ("silu" as const) : undefined,
          sequenceIds: flags.sequenceIds ? sequenceIdsFor(B, L) : undefined,
        };
        const dy = normal(B * L * D);
        const dFinalState = flags.dFinalState ? normal(B * D * (W - 1)) : undefined;
        const loss = (v: Lists) => {
          const { y, finalState } = reference.causalConv1d(B, L, D, W, { ...(v as typeof args), ...fixed });
          return dot(dy, y) + (dFinalState ? dot(dFinalState, finalState) : 0);
        };
        const all = reference.causalConv1dBackward(B, L, D, W, dy, { ...args, ...fixed }, dFinalState);
        checkGradients(args, loss, given({ ...all }, args));
      }
    });
  }

  const scanFlags = pairwise([
    "D",
    "z",
    "deltaBias",
    "softplus",
    "initialState",
    "sequenceIds",
    "dFinalState",
  ]);
  for (const flags of scanFlags) {
    test(`selectiveScanBackward${flagLabel(flags)}`, () => {
      const [B, L, D, N] = [sequenceKinds, 7, 2, 3];
      const args = {
        u: normal(B * L * D),
        // Both sides of the threshold of softplus, and nothing within a step of it.
        delta: Float64Array.from(random.uniforms(B * L * D, 0.01, 1)).map((x, i) =>
          flags.softplus ? [-3, 2, 19.5, 20.5][i % 4]! + x / 3 : x,
        ),
        A: Float64Array.from(random.uniforms(D * N, -0.9, -0.05)),
        B: normal(B * L * N),
        C: normal(B * L * N),
        ...(flags.D && { D: normal(D) }),
        ...(flags.z && { z: normal(B * L * D) }),
        ...(flags.deltaBias && { deltaBias: Float64Array.from(random.uniforms(D, 0, 0.1)) }),
        ...(flags.initialState && { initialState: normal(B * D * N) }),
      };
      const fixed = {
        deltaSoftplus: flags.softplus,
        sequenceIds: flags.sequenceIds ? sequenceIdsFor(B, L) : undefined,
      };
      const dy = normal(B * L * D);
      const dFinalState = flags.dFinalState ? normal(B * D * N) : undefined;
      const loss = (v: Lists) => {
        const { y, finalState } = reference.selectiveScan(B, L, D, N, { ...(v as typeof args), ...fixed });
        return dot(dy, y) + (dFinalState ? dot(dFinalState, finalState) : 0);
      };
      const all = reference.selectiveScanBackward(B, L, D, N, dy, { ...args, ...fixed }, dFinalState);
      checkGradients(args, loss, given(all, args));
    });
  }

  for (const flags of pairwise(["D", "initialState", "sequenceIds", "dFinalState"])) {
    test(`ssdScanBackward${flagLabel(flags)}`, () => {
      const sizes = { B: flags.sequenceIds ? sequenceKinds : 2, L: 7, H: 4, P: 2, G: 2, N: 2 };
      const { B, L, H, P, G, N } = sizes;
      const args = {
        x: normal(B * L * H * P),
        B: normal(B * L * G * N),
        C: normal(B * L * G * N),
        logDecay: Float64Array.from(random.uniforms(B * L * H, -1, 0.1)),
        weight: normal(B * L * H),
        ...(flags.D && { D: normal(H) }),
        ...(flags.initialState && { initialState: normal(B * H * P * N) }),
      };
      const fixed = { sequenceIds: flags.sequenceIds ? sequenceIdsFor(B, L) : undefined };
      const dy = normal(B * L * H * P);
      const dFinalState = flags.dFinalState ? normal(B * H * P * N) : undefined;
      const loss = (v: Lists) => {
        const { y, finalState } = reference.ssdScan(sizes, { ...(v as typeof args), ...fixed });
        return dot(dy, y) + (dFinalState ? dot(dFinalState, finalState) : 0);
      };
      checkGradients(
        args,
        loss,
        given(reference.ssdScanBackward(sizes, dy, { ...args, ...fixed }, dFinalState), args),
      );
    });
  }

  test("crossEntropyWithGradient, with ignored rows", () => {
    const [M, V] = [5, 6];
    const targets = Int32Array.of(3, -100, 0, 5, -100);
    const logits = normal(M * V, 3);
    const loss = (v: Lists) => reference.crossEntropy(M, V, v["logits"]!, targets)[0]!;
    const { dLogits } = reference.crossEntropyWithGradient(M, V, logits, targets);
    checkGradients({ logits }, loss, { logits: dLogits });
  });

  test.each([
    { labelSmoothing: 0.2 },
    { classWeights: [1, 0.5, 3, 0, 2, 0.25] },
    { labelSmoothing: 0.3, classWeights: [1, 0.5, 3, 0, 2, 0.25], ignoreIndex: 5 },
  ])("crossEntropyWithGradient, %o", (options) => {
    const [M, V] = [5, 6];
    const targets = Int32Array.of(3, 2, 0, 5, 1);
    const logits = normal(M * V, 3);
    const loss = (v: Lists) => reference.crossEntropy(M, V, v["logits"]!, targets, options)[0]!;
    const { dLogits } = reference.crossEntropyWithGradient(M, V, logits, targets, options);
    checkGradients({ logits }, loss, { logits: dLogits });
  });

  test.each([
    ["squaredError", {}],
    ["huber", { delta: 0.7 }],
    ["binaryCrossEntropy", {}],
    ["quantile", { levels: [0.1, 0.5, 0.8] }],
  ] as const)("elementLossWithGradient, %s", (kind, options) => {
    const targets = 14;
    const x = normal(targets * (kind === "quantile" ? 3 : 1), 2);
    const args = { kind, target: normal(targets), weight: random.uniforms(targets, 0, 2), ...options };
    const loss = (v: Lists) => reference.elementLoss({ ...args, x: v["x"]! })[0]!;
    checkGradients({ x }, loss, { x: reference.elementLossWithGradient({ ...args, x }).dx });
  });
});

describe("without an algorithm to differentiate", () => {
  test("adamwStep follows the worked numbers of two steps", () => {
    // g = 2 twice: after bias correction the mean is 2 and the square 4, so each step goes lr * 2 / (2 + eps).
    const hyper = { lr: 0.1, beta1: 0.9, beta2: 0.99, eps: 0, weightDecay: 0.5 };
    const one = reference.adamwStep([1], [2], [0], [0], { ...hyper, step: 1 });
    expect(one.param[0]).toBeCloseTo(1 - 0.1 * (0.5 + 1), 14);
    expect(one.m[0]).toBeCloseTo(0.2, 14);
    expect(one.v[0]).toBeCloseTo(0.04, 14);
    const two = reference.adamwStep(one.param, [2], one.m, one.v, { ...hyper, step: 2 });
    expect(two.param[0]).toBeCloseTo(0.85 - 0.1 * (0.5 * 0.85 + 1), 14);
    const half = reference.adamwStep([1], [2], [0], [0], { ...hyper, step: 1 }, 0.5);
    expect([half.m[0], half.v[0]]).toEqual([expect.closeTo(0.1, 14), expect.closeTo(0.01, 14)]);
  });

  test("sumOfSquares and accumulate", () => {
    expect([...reference.sumOfSquares([[1, 2], [3]])]).toEqual([14]);
    expect([...reference.accumulate([1, 2], [10, 20])]).toEqual([11, 22]);
    expect([...reference.accumulate([1, 2], [10, 20], -0.5)]).toEqual([-4, -8]);
  });

  test("crossEntropy of nothing is 0, with a gradient of 0", () => {
    const { loss, dLogits } = reference.crossEntropyWithGradient(2, 3, [1, NaN, 3, 4, 5, 6], [7, 7], {
      ignoreIndex: 7,
    });
    expect([...loss, ...dLogits]).toEqual([0, 0, 0, 0, 0, 0, 0]);
  });
});
