import { elementCount, type ElementLossKind, type Shape, type TrainingOps } from "@mamba/kernel";
import { type CaseInput, defineTrainingCase, floats, type OpCase } from "../case.ts";
import { asView, bytesOf, result, withValues } from "../cases/inputs.ts";
import { sigmoid, type Values } from "../math.ts";
import { B, defineTrainingOp, f32, L, type OutOfRange } from "../opSuite.ts";
import { Random } from "../random.ts";

type LossOp = keyof Pick<TrainingOps, "elementLoss" | "elementLossWithGradient">;

/** The arguments of a loss as arrays. */
interface LossValues {
  kind: ElementLossKind;
  x: Values;
  target: Values;
  weight?: Values | undefined;
  delta?: number | undefined;
  levels?: Values | undefined;
}

/** The loss of one prediction and its derivative. `parameter` is delta of "huber" and the level of "quantile". */
function lossOf(
  kind: ElementLossKind,
  x: number,
  t: number,
  parameter: number,
): [loss: number, slope: number] {
  const d = x - t;
  switch (kind) {
    case "squaredError":
      return [d * d, 2 * d];
    case "huber":
      return Math.abs(d) > parameter
        ? [parameter * (Math.abs(d) - parameter / 2), Math.sign(d) * parameter]
        : [(d * d) / 2, d];
    case "binaryCrossEntropy":
      return [Math.max(x, 0) - x * t + Math.log1p(Math.exp(-Math.abs(x))), sigmoid(x) - t];
    case "quantile": {
      const slope = d > 0 ? 1 - parameter : d < 0 ? -parameter : 0 * d;
      return [Math.max(-parameter * d, (1 - parameter) * d), slope];
    }
  }
}

/** [1]: sum(w l) / sum(w) over all predictions, 0 when the weights sum to 0 */
function reference(args: LossValues): Float64Array {
  return gradientReference(args).loss;
}

/** `loss` [1] and its gradient, w l' / sum(w); 0 where the weight is 0 */
function gradientReference(args: LossValues): { loss: Float64Array; dx: Float64Array } {
  const { kind, x, target, weight, delta, levels } = args;
  const each = levels?.length ?? 1;
  const w = Float64Array.from(x, (_, i) => weight?.[Math.floor(i / each)] ?? 1);
  const total = w.reduce((sum, value) => sum + value, 0);
  let loss = 0;
  const dx = Float64Array.from(x, (value, i) => {
    if (w[i] === 0 || total === 0) return 0;
    const [own, slope] = lossOf(
      kind,
      value,
      target[Math.floor(i / each)]!,
      levels?.[i % each] ?? delta ?? NaN,
    );
    loss += (w[i]! * own) / total;
    return (w[i]! * slope) / total;
  });
  return { loss: Float64Array.of(loss), dx };
}

interface Options {
  weighted?: boolean;
  view?: boolean;
  delta?: number;
  levels?: readonly number[];
  note?: string;
  scale?: number;
  /** Change the data after they were drawn. */
  edit?: (x: Float32Array, target: Float32Array, weight: Float32Array) => void;
}

function build(op: LossOp, kind: ElementLossKind, shape: Shape, options: Options = {}): OpCase {
  const { weighted = false, view = false, delta, levels, note = "", scale = 1, edit } = options;
  const flags = `${weighted ? " +weight" : ""}${view ? " of a view" : ""}`;
  const label = `${kind} [${shape.join(",")}]${flags}${note}`;
  const count = elementCount(shape);
  const targets = count / (levels?.length ?? 1);
  const targetShape = levels ? shape.slice(0, -1) : shape;
  const numbers = count + targets + (weighted ? targets : 0) + (levels?.length ?? 0) + 1;
  const gradient = op === "elementLossWithGradient";
  return defineTrainingCase({
    op,
    label,
    sizes: { elements: count, levels: levels?.length ?? 1 },
    cost: { flops: (gradient ? 8 : 5) * count, bytes: bytesOf(numbers + (gradient ? count : 0)) },
    inputs: () => {
      const random = new Random(`elementLoss ${label}`);
      const x = random.normals(count, scale);
      const target = kind === "binaryCrossEntropy" ? random.uniforms(targets, 0, 1) : random.normals(targets);
      const weight = random.uniforms(targets, 0.1, 2);
      edit?.(x, target, weight);
      const input: CaseInput = floats(x, shape);
      return {
        x: view ? asView(input) : input,
        target: floats(target, targetShape),
        weight: weighted ? floats(weight, targetShape) : undefined,
        levels: levels && floats(Float32Array.from(levels), [levels.length]),
      };
    },
    run: (kernel, t) => ({ ...kernel[op]({ kind, delta, ...t }) }),
    reference: (v) => {
      const { loss, dx } = gradientReference({ kind, delta, ...v });
      return { loss: result([1], loss), ...(gradient && { dx: result(shape, dx) }) };
    },
  });
}

const levels = [0.1, 0.5, 0.9] as const;

/** Two elements without weight, one of which is NaN and one infinite. */
const masked: Options["edit"] = (x, target, weight) => {
  weight.fill(0, 0, 2);
  x[0] = NaN;
  target[1] = -Infinity;
};

const settings: [kind: ElementLossKind, shape: Shape, options?: Options][] = [
  ["squaredError", [3, 43]],
  ["squaredError", [5, 7], { weighted: true, view: true, edit: masked, note: ", two of weight 0" }],
  ["squaredError", [3, 1671], { weighted: true, note: ", longer than a chunk" }],
  [
    "squaredError",
    [2, 5],
    {
      weighted: true,
      note: ", all ignored",
      edit: (x, _, weight) => {
        weight.fill(0);
        x.fill(NaN, 0, 3);
      },
    },
  ],
  ["squaredError", [2, 5], { note: ", NaN in one place", edit: (x) => withValues(x, [1, NaN]) }],
  ["huber", [3, 43], { delta: 0.75 }],
  [
    "huber",
    [3, 1671],
    {
      ...{ delta: 0.5, weighted: true, view: true, note: ", errors of exactly delta" },
      edit: (x, target) => {
        withValues(x, [0.5, -0.5, 1, 1e30]);
        withValues(target, [0, 0, 1, 0]);
      },
    },
  ],
  ["binaryCrossEntropy", [3, 43], { scale: 3 }],
  [
    "binaryCrossEntropy",
    [2, 9],
    {
      ...{ weighted: true, view: true, note: ", extreme logits" },
      edit: (x, target) => {
        withValues(x, [100, -100, 100, -100, 1000, -1000, 1e-8, 0]);
        withValues(target, [1, 0, 0, 1, 0.5, 0.25, 1, 0.5]);
      },
    },
  ],
  ["quantile", [43, 3], { levels }],
  [
    "quantile",
    [7, 5, 1],
    { levels: [0.25], weighted: true, view: true, edit: masked, note: ", two of weight 0" },
  ],
  [
    "quantile",
    [1671, 3],
    {
      ...{ levels, weighted: true, note: ", exact predictions" },
      edit: (x, target) => {
        x.fill(0.5, 0, 6);
        target.fill(0.5, 0, 2);
      },
    },
  ],
];

const minimalArgs = { x: f32(B, L), target: f32(B, L), weight: f32(B, L) };

/** Options that do not fit the kind, or are out of range. */
function badOptions(call: (options: { kind: ElementLossKind; delta?: number }) => unknown): OutOfRange[] {
  return [
    ["an unknown kind", () => call({ kind: "l1" as ElementLossKind })],
    ["huber without delta", () => call({ kind: "huber" })],
    ["delta 0", () => call({ kind: "huber", delta: 0 })],
    ["delta of another kind", () => call({ kind: "squaredError", delta: 1 })],
    ["quantile without levels", () => call({ kind: "quantile" })],
  ];
}

export const elementLoss = defineTrainingOp("elementLoss", {
  reference,
  cases: settings.map(([kind, shape, options]) => build("elementLoss", kind, shape, options)),
  minimal: {
    args: minimalArgs,
    dense: ["target", "weight"],
    call: (k, t) => [k.elementLoss({ kind: "squaredError", ...t }).loss],
  },
  outOfRange: (kernel, scope) => {
    const x = scope.use(kernel.zeros([2, 5], "f32"));
    return badOptions((options) => kernel.elementLoss({ x, target: x, ...options }));
  },
});

export const elementLossWithGradient = defineTrainingOp("elementLossWithGradient", {
  reference: gradientReference,
  cases: settings.map(([kind, shape, options]) => build("elementLossWithGradient", kind, shape, options)),
  minimal: {
    args: minimalArgs,
    dense: ["target", "weight"],
    call: (k, t) => {
      const { loss, dx } = k.elementLossWithGradient({ kind: "squaredError", ...t });
      return [loss, dx];
    },
  },
  batched: { arguments: ["x"], results: ["dx"] },
  outOfRange: (kernel, scope) => {
    const x = scope.use(kernel.zeros([2, 5], "f32"));
    return badOptions((options) => kernel.elementLossWithGradient({ x, target: x, ...options }));
  },
});
