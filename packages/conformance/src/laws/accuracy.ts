import { canTrain, type Kernel, type Tensor } from "@mamba/kernel";
import { check } from "../assert.ts";
import { trainingKernel } from "../case.ts";
import { erf, sigmoid, siluSlope } from "../math.ts";
import { Random } from "../random.ts";
import type { SuiteTest } from "../suiteTest.ts";
import { lawTest, readFloats } from "./harness.ts";

// The elementwise functions inside of the ops, number by number over their whole range: a mean over a case hides an error of single
// numbers, and the inputs of a case hardly reach the ends of the range.

/** The relative error that a function may have, in units of 2^-24, at x. */
type Bound = (x: number) => number;

interface Accuracy {
  readonly name: string;
  /** Largest and smallest magnitude of the arguments, and their signs. */
  readonly range: readonly [least: number, most: number];
  readonly signs: readonly (1 | -1)[];
  /** The function by a call of an op: y for each number of x [count], whose data are `xs`. */
  readonly run: (kernel: Kernel, x: Tensor, track: (x: Tensor) => Tensor, xs: Float32Array) => Tensor;
  readonly exact: (x: number) => number;
  readonly bound: Bound;
  /** Absolute error that is allowed besides: the smallest normal number, or where the function passes 0. */
  readonly absolute?: number;
  /** Arguments of the test. Default 20,000. */
  readonly points?: number;
  readonly training?: true;
}

/** Results near the smallest normal number and below may be 0. */
const smallest = 2 ** -125;

/** The limit of WGSL for exp: 3 + 2 |x| units in the last place, which are two units of 2^-24 or less. */
const exponentialBound: Bound = (x) => 6 + 4 * Math.abs(x);

const count = 20_000;

/** Magnitudes in equal ratios, jittered, as float32. */
function argumentsOf({ name, range: [least, most], signs, points = count }: Accuracy): Float32Array {
  const random = new Random(`accuracy ${name}`);
  const ratio = Math.log(most / least);
  return Float32Array.from({ length: points }, (_, i) => {
    const sign = signs[i % signs.length] ?? 1;
    return sign * Math.min(least * Math.exp(((i + random.uniform()) / points) * ratio), most);
  });
}

function constant(kernel: Kernel, value: number, shape: readonly number[]): Tensor {
  const length = shape.reduce((a, b) => a * b, 1);
  return kernel.upload(new Float32Array(length).fill(value), shape, "f32");
}

/** The final state of a scan over one position from `state`, with u, delta and A [count, 1] as given. */
function advance(
  kernel: Kernel,
  track: (x: Tensor) => Tensor,
  { delta, A, state, u }: { delta: Tensor; A: Tensor; state: number; u: number },
  deltaSoftplus: boolean,
): Tensor {
  const one = track(constant(kernel, 1, [1, 1, 1]));
  const { y, finalState } = kernel.selectiveScan(
    {
      ...{ delta, A, B: one, C: one, deltaSoftplus },
      u: track(constant(kernel, u, [1, 1, count])),
      initialState: track(constant(kernel, state, [1, count, 1])),
    },
    { finalState: true },
  );
  track(y);
  return finalState;
}

/** The state after one token, from `state`. */
function stepOnce(
  kernel: Kernel,
  track: (x: Tensor) => Tensor,
  { delta, A, state, u }: { delta: Tensor; A: Tensor; state: number; u: number },
  deltaSoftplus: boolean,
): Tensor {
  const one = track(constant(kernel, 1, [1, 1]));
  const held = constant(kernel, state, [1, count, 1]);
  const args = { delta, A, B: one, C: one, deltaSoftplus, u: track(constant(kernel, u, [1, count])) };
  track(kernel.selectiveStateUpdate(held, args));
  return held;
}

/** The limit of WGSL for log near 1, where the result passes 0. */
const nearOne = 2 ** -21;

/** The functions that ops of their own compute. */
const elementwise: readonly Accuracy[] = elementwiseFunctions().map((item) => ({ ...item, points: 3000 }));

function elementwiseFunctions(): Accuracy[] {
  return [
    {
      name: "exp",
      ...{ range: [1e-30, 88.7], signs: [1, -1] },
      run: (kernel, x) => kernel.exp(x),
      exact: Math.exp,
      bound: exponentialBound,
      absolute: smallest,
    },
    {
      name: "log",
      ...{ range: [1e-37, 3e38], signs: [1] },
      run: (kernel, x) => kernel.log(x),
      exact: Math.log,
      bound: () => 8,
      absolute: nearOne,
    },
    {
      name: "sqrt",
      ...{ range: [1e-37, 3e38], signs: [1] },
      run: (kernel, x) => kernel.sqrt(x),
      exact: Math.sqrt,
      bound: () => 8,
    },
    {
      name: "tanh",
      ...{ range: [1e-30, 3e38], signs: [1, -1] },
      run: (kernel, x) => kernel.tanh(x),
      exact: Math.tanh,
      bound: () => 24,
    },
    {
      name: "sigmoid",
      ...{ range: [1e-30, 3e38], signs: [1, -1] },
      run: (kernel, x) => kernel.sigmoid(x),
      exact: sigmoid,
      bound: (x) => (x < 0 ? exponentialBound(x) : 8),
      absolute: smallest,
    },
    ...(["none", "tanh"] as const).map((form): Accuracy => ({
      name: `gelu, ${form}`,
      ...{ range: [1e-30, 3e38], signs: [1, -1] },
      run: (kernel, x) => kernel.gelu(x, form),
      exact: (x) =>
        form === "none"
          ? (x * (1 + erf(x / Math.SQRT2))) / 2
          : (x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))) / 2,
      // An error of 1e-6 max(|x|, 1).
      bound: () => 16.7,
      absolute: 1e-6,
    })),
  ];
}

const functions: readonly Accuracy[] = [
  {
    name: "the exponential in negExp",
    ...{ range: [1e-30, 88.7], signs: [1, -1] },
    run: (kernel, x) => kernel.negExp(x),
    exact: (x) => -Math.exp(x),
    bound: exponentialBound,
    absolute: smallest,
  },
  {
    name: "silu",
    ...{ range: [1e-30, 3e38], signs: [1, -1] },
    run: (kernel, x) => kernel.silu(x),
    exact: (x) => x * sigmoid(x),
    bound: (x) => (x < 0 ? exponentialBound(x) : 8),
    absolute: 100 * smallest,
  },
  {
    name: "the derivative of silu",
    ...{ range: [1e-30, 100], signs: [1, -1] },
    run: (kernel, x, track) =>
      trainingKernel("siluBackward", kernel).siluBackward(track(constant(kernel, 1, [count])), x),
    exact: siluSlope,
    bound: (x) => (x < 0 ? exponentialBound(x) : 8),
    // It passes 0 near -1.28.
    absolute: 3e-7,
    training: true,
  },
  ...(["scan", "state update"] as const).flatMap((op): Accuracy[] => {
    const compute = op === "scan" ? advance : stepOnce;
    const last = op === "scan" ? [1, 1, count] : [1, count];
    return [
      {
        name: `the decay in a ${op}`,
        ...{ range: [1e-30, 87], signs: [1, -1] },
        run: (kernel, x, track) => {
          const delta = track(constant(kernel, 1, last));
          const A = track(kernel.reshape(x, [count, 1]));
          return compute(kernel, track, { delta, A, state: 1, u: 0 }, false);
        },
        exact: Math.exp,
        bound: exponentialBound,
        absolute: smallest,
      },
      {
        name: `softplus in a ${op}`,
        ...{ range: [1e-30, 87], signs: [1, -1] },
        run: (kernel, x, track) => {
          const delta = track(kernel.reshape(x, last));
          const A = track(constant(kernel, 0, [count, 1]));
          return compute(kernel, track, { delta, A, state: 0, u: 1 }, true);
        },
        exact: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
        bound: (x) => (x < 0 ? exponentialBound(x) : 8),
        absolute: smallest,
      },
    ];
  }),
  {
    name: "the decay in a scan of heads",
    ...{ range: [1e-30, 87], signs: [1, -1] },
    run: (kernel, x, track, xs) => {
      const heads = xs.length;
      const one = track(constant(kernel, 1, [1, 1, 1]));
      const zeros = track(constant(kernel, 0, [1, 1, heads]));
      const { y, finalState } = kernel.ssdScan(
        {
          ...{ B: one, C: one, x: zeros, weight: zeros, heads, groups: 1 },
          logDecay: track(kernel.reshape(x, [1, 1, heads])),
          initialState: track(constant(kernel, 1, [1, heads, 1, 1])),
        },
        { finalState: true },
      );
      track(y);
      return finalState;
    },
    exact: Math.exp,
    bound: exponentialBound,
    absolute: smallest,
    points: 3000,
  },
  {
    name: "the decay in a state update of heads",
    ...{ range: [1e-30, 87], signs: [1, -1] },
    run: (kernel, x, track, xs) => {
      const heads = xs.length;
      const one = track(constant(kernel, 1, [1, 1]));
      const zeros = track(constant(kernel, 0, [1, heads]));
      const state = constant(kernel, 1, [1, heads, 1, 1]);
      const logDecay = track(kernel.reshape(x, [1, heads]));
      const args = { B: one, C: one, x: zeros, weight: zeros, logDecay, heads, groups: 1 };
      track(kernel.ssdStateUpdate(state, args));
      return state;
    },
    exact: Math.exp,
    bound: exponentialBound,
    absolute: smallest,
    points: 3000,
  },
  {
    name: "softplus in discretize",
    ...{ range: [1e-30, 87], signs: [1, -1] },
    run: (kernel, x, track, xs) => {
      const A = track(constant(kernel, -1, [1]));
      const both = track(kernel.discretize({ dt: track(kernel.reshape(x, [xs.length, 1])), A }));
      return kernel.scale(track(kernel.columns(both, 0, 1)), 1);
    },
    exact: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
    bound: (x) => (x < 0 ? exponentialBound(x) : 8),
    absolute: smallest,
    points: 3000,
  },
  ...(["cosine", "sine"] as const).map((name, column): Accuracy => ({
    name: `the ${name} in rotary`,
    ...{ range: [1e-30, 1e4], signs: [1, -1] },
    // The pair (1, 0) becomes (cos, sin).
    run: (kernel, angles, track, xs) => {
      const count = xs.length;
      const pairs = Float32Array.from({ length: 2 * count }, (_, i) => (i % 2 ? 0 : 1));
      const x = track(kernel.upload(pairs, [1, count, 2], "f32"));
      const args = { x, angles: track(kernel.reshape(angles, [1, count, 1])), heads: 1 };
      const y = track(kernel.rotary({ ...args, pairing: "interleaved" }));
      return kernel.scale(track(kernel.columns(y, column, 1)), 1);
    },
    exact: name === "cosine" ? Math.cos : Math.sin,
    bound: () => 0,
    absolute: 2e-7,
    points: 6000,
  })),
  {
    name: "the root in rmsNorm",
    ...{ range: [1e-15, 1e15], signs: [1, -1] },
    run: (kernel, x, track) => kernel.rmsNorm(track(kernel.reshape(x, [count, 1])), undefined, 0),
    exact: Math.sign,
    bound: () => 8,
  },
  {
    name: "the gradient of the cross entropy of two logits",
    ...{ range: [1e-30, 80], signs: [1, -1] },
    // Row i has the logits x and 0 and target 1: the gradient of x is sigmoid(x) / count.
    run: (kernel, _, track, xs) => {
      const data = Float32Array.from({ length: 2 * count }, (_, i) => (i % 2 ? 0 : (xs[i / 2] ?? NaN)));
      const pairs = track(kernel.upload(data, [count, 2], "f32"));
      const targets = track(kernel.upload(new Int32Array(count).fill(1), [count], "i32"));
      const { loss, dLogits } = trainingKernel("crossEntropy", kernel).crossEntropyWithGradient(
        pairs,
        targets,
      );
      track(loss);
      const scaled = track(kernel.scale(track(kernel.columns(track(dLogits), 0, 1)), count));
      return kernel.reshape(scaled, [count]);
    },
    exact: sigmoid,
    bound: (x) => (x < 0 ? exponentialBound(x) : 16),
    absolute: count * smallest,
    training: true,
  },
];

function accuracyTest(item: Accuracy): SuiteTest {
  const { name, run, exact, bound, absolute = 0, training } = item;
  const test = lawTest(`accuracy of ${name}`, async (kernel, scope) => {
    const xs = argumentsOf(item);
    const x = scope.use(kernel.upload(xs, [xs.length], "f32"));
    const y = await readFloats(kernel, scope.use(run(kernel, x, (tensor) => scope.use(tensor), xs)));
    xs.forEach((at, i) => {
      const expected = exact(at);
      const actual = y[i] ?? NaN;
      const allowed = bound(at) * 2 ** -24 * Math.abs(expected) + absolute;
      check(
        Math.abs(actual - expected) <= allowed,
        `${name} of ${at} must be ${expected} to within ${allowed.toExponential(1)}, got ${actual}`,
      );
    });
  });
  const skip = (kernel: Kernel) => (canTrain(kernel) ? undefined : "capabilities.training is false");
  return training ? { ...test, skip } : test;
}

export const accuracyTests: readonly SuiteTest[] = [...functions, ...elementwise].map(accuracyTest);
