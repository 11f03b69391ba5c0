import { type AdamWParams, elementCount } from "@mamba/kernel";
import { type CaseInput, type Cost, defineTrainingCase, floats, type OpCase } from "../case.ts";
import { bytesOf, lengths, result, withValues } from "../cases/inputs.ts";
import type { Values } from "../math.ts";
import { D, defineTrainingOp, f32 } from "../opSuite.ts";
import { Random } from "../random.ts";

/**
 * m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g², with g = grad * gradScale;
 * param -= lr (weightDecay param + m / (1 - beta1^step) / (sqrt(v / (1 - beta2^step)) + eps))
 */
function reference(
  param: Values,
  grad: Values,
  m: Values,
  v: Values,
  hyper: AdamWParams,
  gradScale = 1,
): { param: Float64Array; m: Float64Array; v: Float64Array } {
  const { step, lr, beta1, beta2, eps, weightDecay } = hyper;
  const after = { param: Float64Array.from(param), m: Float64Array.from(m), v: Float64Array.from(v) };
  for (let i = 0; i < param.length; i++) {
    const g = grad[i]! * gradScale;
    const mean = beta1 * m[i]! + (1 - beta1) * g;
    const square = beta2 * v[i]! + (1 - beta2) * g * g;
    const direction = mean / (1 - beta1 ** step) / (Math.sqrt(square / (1 - beta2 ** step)) + eps);
    after.m[i] = mean;
    after.v[i] = square;
    after.param[i] = param[i]! - lr * (weightDecay * param[i]! + direction);
  }
  return after;
}

type Lists<T> = Readonly<Record<string, T>>;

/** 16 operations per element: 3 for m, 4 for v, 5 for the direction, 4 for param. Reads four tensors, writes three. */
function costOf(elements: number, steps: number, scaled: boolean): Cost {
  const flops = steps * elements * (scaled ? 17 : 16);
  return { flops, bytes: steps * bytesOf(7 * elements + (scaled ? 1 : 0)) };
}

interface AdamOptions {
  hyper?: Partial<AdamWParams>;
  /** Calls one after the other, from `hyper.step` on. Default 1. */
  steps?: number;
  gradScale?: number;
  /** True for zero m and v, as before the first step. Default: moments of a run in progress. */
  fresh?: boolean;
  note?: string;
  /** Overwrite the first elements of the first gradient. */
  values?: readonly number[];
}

const base: AdamWParams = { step: 1, lr: 0.01, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0 };
const slotNames = ["param", "grad", "m", "v"] as const;

function adamCase(shapes: readonly (readonly number[])[], options: AdamOptions = {}): OpCase {
  const { steps = 1, gradScale, fresh = false, note = "", values = [] } = options;
  const hyper = { ...base, ...options.hyper };
  const first = hyper.step;
  const scaled = gradScale === undefined ? "" : " +gradScale";
  const label = `${shapes.map((shape) => `[${shape.join(",")}]`).join(" ")}${scaled}${note}`;
  const elements = shapes.reduce((sum, shape) => sum + elementCount(shape), 0);
  return defineTrainingCase({
    op: "adamwStep",
    label,
    sizes: { tensors: shapes.length, elements },
    cost: costOf(elements, steps, gradScale !== undefined),
    inputs: (): Lists<CaseInput> => {
      const random = new Random(`adamwStep ${label}`);
      const inputs = shapes.flatMap((shape, i): [string, CaseInput][] => {
        const count = elementCount(shape);
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
            after = reference(after.param, grad, after.m, after.v, step, v["gradScale"]?.[0]);
          }
          return (["param", "m", "v"] as const).map((name) => [
            `${name}${i}`,
            result(shape, Float64Array.from(after[name])),
          ]);
        }),
      ),
  });
}

/** The slot number `i`, from names such as `param0`. */
function slot<T>(all: Lists<T>, i: number): Record<(typeof slotNames)[number], T> {
  return Object.fromEntries(slotNames.map((name) => [name, all[`${name}${i}`]])) as Record<
    (typeof slotNames)[number],
    T
  >;
}

const decay = { weightDecay: 0.1 };

export const adamwStep = defineTrainingOp("adamwStep", {
  reference,
  cases: [
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
  ],
  minimal: {
    args: { param: f32(D, 7), grad: f32(D, 7), m: f32(D, 7), v: f32(D, 7), gradScale: f32(1) },
    dense: ["param", "grad", "m", "v"],
    writes: ["param", "m", "v"],
    call: (k, { gradScale, ...slot }) => {
      k.adamwStep([slot], { ...base, beta2: 0.99, weightDecay: 0.1 }, gradScale);
      return [];
    },
  },
  outOfRange: (kernel, scope) => {
    const x = scope.use(kernel.zeros([2, 5], "f32"));
    const slots = [{ param: x, grad: x, m: x, v: x }];
    const step =
      (change: Partial<AdamWParams>, of = slots) =>
      () => {
        kernel.adamwStep(of, { ...base, ...change });
      };
    return [
      ["no slots", step({}, [])],
      ["moments that share the memory of the parameter", step({})],
      ["step 0", step({ step: 0 })],
      ["step 1.5", step({ step: 1.5 })],
      ["lr NaN", step({ lr: NaN })],
      ["lr negative", step({ lr: -0.1 })],
      ["beta1 of 1", step({ beta1: 1 })],
      ["beta2 negative", step({ beta2: -0.1 })],
      ["eps negative", step({ eps: -1e-8 })],
      ["weightDecay infinite", step({ weightDecay: Infinity })],
    ];
  },
});
