import { type ElementLossArgs, type ElementLossKind, lastExtent } from "@mamba/kernel";
import type { Sizes } from "@mamba/kernel/author";
import type { Op, Own } from "../op.ts";
import type { Runtime } from "../runtime.ts";
import { defineShader } from "../shader.ts";
import { addRows } from "../shared/addRows.ts";
import { isNan, log1p, sigmoid } from "../wgsl/math.ts";

/** Elements per workgroup. */
const elementsPerGroup = 4096;

/** Invocations per workgroup, each of which has two sums. */
const lanes = 64;

// WGSL of the loss of one element and of its derivative by x, from x, t, d = x - t and the level q.
const formulas: Readonly<Record<ElementLossKind, readonly [loss: string, slope: string]>> = {
  squaredError: ["d * d", "2.0 * d"],
  huber: [
    "select(p.delta * (abs(d) - 0.5 * p.delta), 0.5 * d * d, abs(d) <= p.delta)",
    "clamp(d, -p.delta, p.delta)",
  ],
  binaryCrossEntropy: ["select(-x * t, x * (1.0 - t), x > 0.0) + log1p(exp(-abs(x)))", "sigmoid(x) - t"],
  quantile: ["max(-q * d, (1.0 - q) * d)", "select(select(0.0, -q, d < 0.0), 1.0 - q, d > 0.0)"],
};

/** WGSL `weightOf(i)` and `apply(i)`: the weight of an element of x, and its loss or derivative, which is NaN where x - t is. */
function elementFunctions(formula: string): string {
  return /* wgsl */ `
${isNan}
${log1p}
${sigmoid}
fn weightOf(i: u32) -> f32 {
  if (p.weight_stride == 0u) { return 1.0; }
  return weight[p.weight_at + i / p.levelCount];
}
fn apply(i: u32) -> f32 {
  let x = predictions[p.predictions_at + i + i / p.width * (p.predictions_stride - p.width)];
  let t = targets[p.targets_at + i / p.levelCount];
  var q = 0.0;
  if (p.levels_stride != 0u) { q = levels[p.levels_at + i % p.levelCount]; }
  let d = x - t;
  if (isNan(d)) { return d; }
  return ${formula};
}`;
}

const read = { predictions: "f32", targets: "f32", weight: "f32", levels: "f32" } as const;
const params = { count: "u32", width: "u32", levelCount: "u32", delta: "f32" } as const;

// sums[g, i] = the sums of w l and of w over elements i, i + 64, i + 128, … of the 4096 elements of workgroup g.
const sumsShader = (kind: ElementLossKind) =>
  defineShader({
    name: `elementLoss ${kind}`,
    read,
    write: { sums: "f32" },
    params,
    workgroup: lanes,
    code: /* wgsl */ `
${elementFunctions(formulas[kind][0])}
fn run(group: u32, lane: u32) {
  let end = min((group + 1u) * ${elementsPerGroup}u, p.count);
  var sum = vec2<f32>(0.0);
  for (var i = group * ${elementsPerGroup}u + lane; i < end; i += workgroupSize) {
    let w = weightOf(i);
    if (w != 0.0) { sum += w * vec2<f32>(apply(i), 1.0); }
  }
  let at = 2u * (group * workgroupSize + lane);
  sums[at] = sum.x;
  sums[at + 1u] = sum.y;
}`,
  });

// dx = w l'(x) / sum(w), 0 where w or the sum is 0.
const gradientShader = (kind: ElementLossKind) =>
  defineShader({
    name: `elementLoss ${kind} gradient`,
    read: { ...read, total: "f32" },
    write: { dx: "f32" },
    params,
    code: /* wgsl */ `
${elementFunctions(formulas[kind][1])}
fn run(group: u32, lane: u32) {
  for (var k = 0u; k < 4u; k++) {
    let i = group * 256u + k * workgroupSize + lane;
    if (i >= p.count) { return; }
    let w = weightOf(i);
    var gradient = 0.0;
    if (w != 0.0 && total[1] != 0.0) { gradient = w * apply(i) / total[1]; }
    dx[i] = gradient;
  }
}`,
  });

const shadersOf = (kind: ElementLossKind) => ({ sums: sumsShader(kind), gradient: gradientShader(kind) });

const shaders = {
  squaredError: shadersOf("squaredError"),
  huber: shadersOf("huber"),
  binaryCrossEntropy: shadersOf("binaryCrossEntropy"),
  quantile: shadersOf("quantile"),
};

const meanShader = defineShader({
  name: "elementLoss mean",
  read: { total: "f32" },
  write: { loss: "f32" },
  params: {},
  workgroup: 1,
  code: "fn run(group: u32, lane: u32) { loss[0] = select(total[0] / total[1], 0.0, total[1] == 0.0); }",
});

export const elementLoss: Op<"elementLoss"> = (runtime, sizes, args) => {
  const { loss, total } = mean(runtime, "elementLoss", sizes, args);
  total.dispose();
  return { loss };
};

export const elementLossWithGradient: Op<"elementLossWithGradient"> = (runtime, sizes, args) => {
  const op = "elementLossWithGradient";
  const { loss, total, inputs, scalars } = mean(runtime, op, sizes, args);
  const dx = runtime.result(op, args.x.shape);
  const groups = Math.ceil(sizes.count / 256);
  runtime.run(op, shaders[args.kind].gradient, { ...inputs, total, dx }, scalars, groups);
  total.dispose();
  return { loss, dx };
};

/** Returns the loss, `total` [2] with the sums of w l and of w, and what the gradient needs besides. */
function mean(
  runtime: Runtime,
  op: string,
  { count, levelCount }: Sizes<"elementLoss">,
  { kind, x, target, weight, delta = 0, levels }: Own<ElementLossArgs>,
) {
  const groups = Math.ceil(count / elementsPerGroup);
  const loss = runtime.result(op, [1]);
  const sums = runtime.result(op, [groups, 2 * lanes]);
  const laneSums = runtime.result(op, [lanes, 2]);
  const total = runtime.result(op, [2]);
  const inputs = { predictions: x, targets: target, weight, levels };
  const scalars = { count, width: lastExtent(x.shape), levelCount, delta };
  runtime.run(op, shaders[kind].sums, { ...inputs, sums }, scalars, groups);
  addRows(runtime, op, sums, groups, 2 * lanes, laneSums);
  addRows(runtime, op, laneSums, lanes, 2, total);
  runtime.run(op, meanShader, { total, loss }, {}, 1);
  laneSums.dispose();
  sums.dispose();
  return { loss, total, inputs, scalars };
}
