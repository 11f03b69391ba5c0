import { elementCount, type Shape } from "@mamba/kernel";
import { type CaseInput, defineCase, defineTrainingCase, floats, type OpCase } from "../case.ts";
import { asView, bytesOf, gradients, result, withValues } from "../cases/inputs.ts";
import { softplus, softplusSlope, type Values } from "../math.ts";
import { B, defineOp, defineTrainingOp, f32, L, manyRows, type OutOfRange } from "../opSuite.ts";
import { flagLabel, type Flags, flagSets, pairwise } from "../pairwise.ts";
import { Random } from "../random.ts";

/** The arguments of the op as plain numbers. */
interface DiscretizeValues {
  dt: Values;
  bias?: Values | undefined;
  A: Values;
}

interface Limits {
  readonly min: number;
  readonly max: number;
}

/** weight = clamp(softplus(dt + bias), min, max) and logDecay = weight A, as [rows, 2H]. */
function reference(
  rows: number,
  H: number,
  { dt, bias, A }: DiscretizeValues,
  { min, max }: Limits,
): Float64Array {
  const y = new Float64Array(rows * 2 * H);
  for (let r = 0; r < rows; r++) {
    for (let h = 0; h < H; h++) {
      const weight = Math.min(Math.max(softplus(dt[r * H + h]! + (bias?.[h] ?? 0)), min), max);
      y[r * 2 * H + h] = weight;
      y[r * 2 * H + H + h] = weight * A[h]!;
    }
  }
  return y;
}

/**
 * ddt = (dweight + A dlogDecay) softplus'(dt + bias), and 0 where the weight is clamped; dbias is its sum over rows;
 * dA = sum over rows of weight dlogDecay.
 */
function backwardReference(
  rows: number,
  H: number,
  dy: Values,
  { dt, bias, A }: DiscretizeValues,
  { min, max }: Limits,
): Record<"dt" | "bias" | "A", Float64Array> {
  const grads = { dt: new Float64Array(rows * H), bias: new Float64Array(H), A: new Float64Array(H) };
  for (let r = 0; r < rows; r++) {
    for (let h = 0; h < H; h++) {
      const raw = dt[r * H + h]! + (bias?.[h] ?? 0);
      const step = softplus(raw);
      const [dWeight, dLogDecay] = [dy[r * 2 * H + h]!, dy[r * 2 * H + H + h]!];
      const clamped = step < min || step > max;
      const gradient = clamped ? 0 : (dWeight + A[h]! * dLogDecay) * softplusSlope(raw);
      grads.dt[r * H + h] = gradient;
      grads.bias[h]! += gradient;
      grads.A[h]! += Math.min(Math.max(step, min), max) * dLogDecay;
    }
  }
  return grads;
}

const flagNames = ["bias", "limits", "view"] as const;
type DiscretizeFlags = Flags<(typeof flagNames)[number]>;

interface Extras {
  note?: string;
  /** Overwrite the first elements of dt. */
  values?: readonly number[];
  bias?: number;
}

/** The parts that a case of the op and one of its backward have. */
function partsOf(op: string, shape: Shape, flags: DiscretizeFlags, { note = "", values = [], bias }: Extras) {
  const label = `[${shape.join(",")}]${flagLabel(flags)}${note}`;
  const H = shape.at(-1) ?? 1;
  const count = elementCount(shape);
  const wide = [...shape.slice(0, -1), 2 * H];
  const limits = flags.limits ? { min: 0.05, max: 1.2 } : { min: 0, max: Infinity };
  const place = (input: CaseInput): CaseInput => (flags.view ? asView(input) : input);
  return {
    ...{ label, H, count, wide, rows: count / H },
    ...{ limits, given: flags.limits ? limits : {} },
    sizes: { rows: count / H, H },
    inputs: () => {
      const random = new Random(`${op} ${label}`);
      return {
        dy: place(floats(random.normals(2 * count), wide)),
        dt: place(floats(withValues(random.normals(count, 2), values), shape)),
        bias: flags.bias
          ? floats(
              random.uniforms(H, -4, 0).map((x) => bias ?? x),
              [H],
            )
          : undefined,
        A: floats(random.uniforms(H, -16, -0.5), [H]),
      };
    },
  };
}

/** Softplus (3), the bias (1), both limits (2) and the product with A (1) of each element. */
function build(shape: Shape, flags: DiscretizeFlags, extras: Extras = {}): OpCase {
  const { label, H, count, wide, rows, limits, given, sizes, inputs } = partsOf(
    "discretize",
    shape,
    flags,
    extras,
  );
  return defineCase({
    op: "discretize",
    label,
    sizes,
    cost: {
      flops: count * (4 + (flags.bias ? 1 : 0) + (flags.limits ? 2 : 0)),
      bytes: bytesOf(3 * count + (flags.bias ? 2 : 1) * H),
    },
    inputs: () => {
      const { dt, bias, A } = inputs();
      return { dt, bias, A };
    },
    run: (kernel, t) => ({ y: kernel.discretize({ ...t, ...given }) }),
    reference: (v) => ({ y: result(wide, reference(rows, H, v, limits)) }),
  });
}

/** The sum of both gradients (2), the slope of softplus (4) and the sums over rows (4) of each element. */
function backwardCase(shape: Shape, flags: DiscretizeFlags, extras: Extras = {}): OpCase {
  const op = "discretizeBackward";
  const { label, H, count, rows, limits, given, sizes, inputs } = partsOf(op, shape, flags, extras);
  return defineTrainingCase({
    op,
    label,
    sizes,
    cost: { flops: 10 * count, bytes: bytesOf(4 * count + (flags.bias ? 4 : 2) * H) },
    inputs,
    run: (kernel, { dy, ...args }) => gradients(kernel.discretizeBackward(dy, { ...args, ...given })),
    reference: ({ dy, ...v }) => {
      const grads = backwardReference(rows, H, dy, v, limits);
      return {
        d_dt: result(shape, grads.dt),
        d_A: result([H], grads.A),
        ...(flags.bias && { d_bias: result([H], grads.bias) }),
      };
    },
  });
}

const set = flagSets(flagNames);
const heads = 3;

/** Steps of softplus: both sides of 20, far from 0, and where log(1 + x) loses its digits. */
const steps = [20, 20.001, 19.5, 0, -12, -30, 88, 100, 1e4, -87, -1000, -3e38];

/** Calls with limits out of range. */
function badLimits(call: (limits: Partial<Limits>) => unknown): OutOfRange[] {
  return [
    ["min negative", () => call({ min: -0.1 })],
    ["min infinite", () => call({ min: Infinity })],
    ["max below min", () => call({ min: 0.5, max: 0.1 })],
    ["max NaN", () => call({ max: NaN })],
  ];
}

export const discretize = defineOp("discretize", {
  reference,
  cases: [
    ...pairwise(flagNames).flatMap((flags) => [build([2, 5, 7], flags), build([33, 24], flags)]),
    build([1, 1], set("bias")),
    build([9, 1], set("bias", "view"), { note: ", one head" }),
    build([2, 301, 24], set("bias"), { note: ", work for several threads" }),
    build([4, 3], set("bias"), { note: ", steps far from 0 and around 20", values: steps, bias: 0 }),
    build([4, 3], set("limits"), { note: ", steps far from 0 and around 20", values: steps }),
    build([4, 5], set("bias", "limits"), { note: ", NaN in one step", values: [0.5, NaN] }),
  ],
  rows: {
    arguments: ["dt"],
    many: [build([manyRows, 24], set("bias", "limits")), build([manyRows, 3, 5], set("bias", "view"))],
  },
  minimal: {
    args: { dt: f32(B, L, heads), bias: f32(heads), A: f32(heads) },
    anyAxes: ["dt"],
    dense: ["bias", "A"],
    call: (k, t) => [k.discretize(t)],
  },
  outOfRange: (kernel, scope) => {
    const dt = scope.use(kernel.zeros([2, 5], "f32"));
    const A = scope.use(kernel.zeros([5], "f32"));
    return badLimits((limits) => kernel.discretize({ dt, A, ...limits }));
  },
});

export const discretizeBackward = defineTrainingOp("discretizeBackward", {
  reference: backwardReference,
  cases: [
    ...pairwise(flagNames).flatMap((flags) => [
      backwardCase([2, 5, 7], flags),
      backwardCase([33, 24], flags),
    ]),
    backwardCase([1, 1], set("bias")),
    backwardCase([2, 301, 24], set("bias"), { note: ", work for several threads" }),
    backwardCase([4, 3], set("bias"), { note: ", steps far from 0 and around 20", values: steps, bias: 0 }),
    backwardCase([4, 3], set("limits"), { note: ", steps far from 0 and around 20", values: steps }),
    backwardCase([4, 5], set("bias", "limits"), { note: ", NaN in one step", values: [0.5, NaN] }),
  ],
  batched: { arguments: ["dy", "dt"], results: ["d_dt"] },
  minimal: {
    args: { dy: f32(B, L, 2 * heads), dt: f32(B, L, heads), bias: f32(heads), A: f32(heads) },
    dense: ["bias", "A"],
    call: (k, { dy, ...args }) => Object.values(gradients(k.discretizeBackward(dy, args))),
  },
  outOfRange: (kernel, scope) => {
    const zeros = (...shape: number[]) => scope.use(kernel.zeros(shape, "f32"));
    const [dy, dt, A] = [zeros(2, 10), zeros(2, 5), zeros(5)];
    return badLimits((limits) => kernel.discretizeBackward(dy, { dt, A, ...limits }));
  },
});
