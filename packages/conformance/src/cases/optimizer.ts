import type { AdamWParams } from "@mamba/kernel";
import { type CaseInput, defineTrainingCase, floats, type OpCase } from "../case.ts";
import { Random } from "../random.ts";
import { adamwStep, sumOfSquares } from "../reference/index.ts";
import type { Values } from "../reference/math.ts";
import { lengths, result, windowed, withValues } from "./shared.ts";

type Lists<T> = Readonly<Record<string, T>>;

interface SumOptions {
  note?: string;
  view?: boolean;
  scale?: number;
  /** Over the first elements of the last tensor. */
  values?: readonly number[];
}

function sumCase(counts: readonly number[], options: SumOptions = {}): OpCase {
  const { note = "", view = false, scale = 1, values = [] } = options;
  const label = `[${counts.join(",")}]${note}`;
  return defineTrainingCase({
    op: "sumOfSquares",
    label,
    sizes: { tensors: counts.length, elements: counts.reduce((a, b) => a + b) },
    inputs: (): Lists<CaseInput> => {
      const random = new Random(`sumOfSquares ${label}`);
      return Object.fromEntries(
        counts.map((count, i) => {
          const data = random.normals(count, scale);
          const x = floats(
            i === counts.length - 1 ? withValues(data, values) : data,
            view ? [3, count / 3] : [count],
          );
          return [`x${i}`, view ? windowed(x) : x];
        }),
      );
    },
    run: (kernel, t) => ({ sum: kernel.sumOfSquares(Object.values(t)) }),
    reference: (v) => ({ sum: result([1], sumOfSquares(Object.values(v))) }),
  });
}

export const sumOfSquaresCases = [
  ...lengths.map((count) => sumCase([count])),
  sumCase([20_000]),
  sumCase([3, 129, 1, 40]),
  sumCase([5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5]),
  sumCase([15, 99, 3], { view: true, note: " of views" }),
  sumCase([60_000, 6], { view: true, note: " of views, work for several threads" }),
  sumCase([30_001, 7, 50_000], { note: ", work for several threads" }),
  sumCase([513, 2049, 17], { scale: 1e-12, note: ", small gradients" }),
  sumCase([7, 9], { values: [1, NaN], note: ", NaN in one place" }),
  sumCase([7, 9], { values: [1, 2, -Infinity], note: ", infinity in one place" }),
  sumCase([4, 9], { values: [1e20, 3e38], note: ", too large for float32" }),
  sumCase([4, 1], { values: [1e15], note: ", one that outweighs all" }),
];

interface AdamOptions {
  hyper?: Partial<AdamWParams>;
  /** Calls one after the other, from `hyper.step` on. Default 1. */
  steps?: number;
  gradScale?: number;
  /** m and v as they are before the first step; default as a run in progress has them. */
  fresh?: boolean;
  note?: string;
  /** Changes the gradient of the first tensor. */
  values?: readonly number[];
}

const base: AdamWParams = { step: 1, lr: 0.01, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0 };
const parts = ["param", "grad", "m", "v"] as const;

function adamCase(shapes: readonly (readonly number[])[], options: AdamOptions = {}): OpCase {
  const { steps = 1, gradScale, fresh = false, note = "", values = [] } = options;
  const hyper = { ...base, ...options.hyper };
  const first = hyper.step;
  const scaled = gradScale === undefined ? "" : " +gradScale";
  const label = `${shapes.map((shape) => `[${shape.join(",")}]`).join(" ")}${scaled}${note}`;
  return defineTrainingCase({
    op: "adamwStep",
    label,
    sizes: {
      tensors: shapes.length,
      elements: shapes.reduce((sum, s) => sum + s.reduce((a, b) => a * b), 0),
    },
    inputs: (): Lists<CaseInput> => {
      const random = new Random(`adamwStep ${label}`);
      const inputs = shapes.flatMap((shape, i): [string, CaseInput][] => {
        const count = shape.reduce((a, b) => a * b);
        const grad = random.normals(count, 0.1);
        if (i === 0) withValues(grad, values);
        const moment = (data: Float32Array): Float32Array => (fresh ? data.fill(0) : data);
        return [
          [`param${i}`, { ...floats(random.normals(count, 0.2), shape), inPlace: true }],
          [`grad${i}`, floats(grad, shape)],
          [`m${i}`, { ...floats(moment(random.normals(count, 0.03)), shape), inPlace: true }],
          [`v${i}`, { ...floats(moment(random.uniforms(count, 1e-4, 1e-2)), shape), inPlace: true }],
        ];
      });
      if (gradScale !== undefined) inputs.push(["gradScale", floats(Float32Array.of(gradScale), [1])]);
      return Object.fromEntries(inputs);
    },
    run: (kernel, t) => {
      const slots = shapes.map((_, i) => slot(t, i));
      for (let k = 0; k < steps; k++) kernel.adamwStep(slots, { ...hyper, step: first + k }, t["gradScale"]);
      return {};
    },
    reference: (v) =>
      Object.fromEntries(
        shapes.flatMap((shape, i) => {
          let after: { param: Values; m: Values; v: Values } = slot(v, i);
          const { grad } = slot(v, i);
          for (let k = 0; k < steps; k++) {
            const step = { ...hyper, step: first + k };
            after = adamwStep(after.param, grad, after.m, after.v, step, v["gradScale"]?.[0]);
          }
          return (["param", "m", "v"] as const).map((name) => [
            `${name}${i}`,
            result(shape, Float64Array.from(after[name])),
          ]);
        }),
      ),
  });
}

/** `param`, `grad`, `m` and `v` number i. */
function slot<T>(all: Lists<T>, i: number): Record<(typeof parts)[number], T> {
  return Object.fromEntries(parts.map((name) => [name, all[`${name}${i}`]])) as Record<
    (typeof parts)[number],
    T
  >;
}

const decay = { weightDecay: 0.1 };

export const adamwStepCases = [
  ...lengths.map((count, i) => adamCase([[count]], { hyper: { step: i + 1, weightDecay: 0.1 * (i % 2) } })),
  adamCase([[7, 5]], { fresh: true, note: ", the first step" }),
  adamCase([[7, 5]], { fresh: true, hyper: decay, note: ", the first step with decay" }),
  adamCase([[33], [4, 9], [1], [2, 3, 5]], { fresh: true, steps: 5, hyper: decay, note: ", five steps" }),
  adamCase([[33], [4, 9]], { hyper: { step: 1000, lr: 3e-4, weightDecay: 0.01 }, note: ", step 1000" }),
  adamCase([[17]], { hyper: { step: 3_000_000, ...decay }, note: ", when the bias is long gone" }),
  adamCase([[20_003], [5], [300, 67]], { hyper: decay, note: ", work for several threads" }),
  adamCase([[17], [6]], { gradScale: 0.25, steps: 3, hyper: decay, note: ", clipped" }),
  adamCase([[17]], { gradScale: 0, fresh: true, hyper: decay, note: " of zero: decay alone" }),
  adamCase([[40]], { hyper: { eps: 0.1, beta1: 0.5, beta2: 0.95 }, fresh: true, note: ", a large eps" }),
  adamCase([[9]], { hyper: { beta1: 0, beta2: 0, step: 4 }, note: ", no memory" }),
  adamCase([[12]], {
    fresh: true,
    values: new Array<number>(12).fill(0),
    hyper: decay,
    note: ", zero gradients",
  }),
  adamCase([[9]], {
    fresh: true,
    values: [1e-18, -1e-20, 1e-12, 1e12],
    note: ", gradients from 1e-20 to 1e12",
  }),
  adamCase([[9], [5]], { values: [1, NaN], note: ", NaN in one place" }),
];
