import { isQuantized, quantizedTypes } from "@mamba/kernel";
import { defineTrainingCase, floats, ints, type OpCase } from "../case.ts";
import { expertIds } from "../cases/expertIds.ts";
import { asView, bytesOf, result } from "../cases/inputs.ts";
import { blockOf } from "../cases/storageBlocks.ts";
import type { Values } from "../math.ts";
import { defineTrainingOp, f32, i32 } from "../opSuite.ts";
import { Random } from "../random.ts";
import {
  clampedExpert,
  expertLabel,
  type ExpertOptions,
  type ExpertSizes,
  expertWeight,
} from "./expertLinear.ts";

/** dx[r,j] = dy[r,j] · weight[experts[r,j]] for dy [R, K, O], weight [E, O, I] */
function inputReference(
  { R, K, E, O, I }: ExpertSizes,
  dy: Values,
  weight: Values,
  experts: Values,
): Float64Array {
  const dx = new Float64Array(R * K * I);
  for (let p = 0; p < R * K; p++) {
    const expert = clampedExpert(experts, p, E);
    for (let i = 0; i < I; i++) {
      let sum = 0;
      for (let o = 0; o < O; o++) sum += dy[p * O + o]! * weight[(expert * O + o) * I + i]!;
      dx[p * I + i] = sum;
    }
  }
  return dx;
}

/**
 * dWeight[e] = the sum of dy[r,j]ᵀ · x[r] (x[r,j] when x is [R, K, I]) over the choices of expert e; zeros for an expert without any.
 *
 * @param shared true when x is [R, I]
 */
function weightReference(
  { R, K, E, O, I }: ExpertSizes,
  dy: Values,
  x: Values,
  experts: Values,
  shared: boolean,
): Float64Array {
  const dWeight = new Float64Array(E * O * I);
  for (let p = 0; p < R * K; p++) {
    const expert = clampedExpert(experts, p, E);
    const from = (shared ? Math.floor(p / K) : p) * I;
    for (let o = 0; o < O; o++) {
      for (let i = 0; i < I; i++) dWeight[(expert * O + o) * I + i]! += dy[p * O + o]! * x[from + i]!;
    }
  }
  return dWeight;
}

function inputCase(sizes: ExpertSizes, options: ExpertOptions = {}): OpCase {
  const { R, K, E, O, I } = sizes;
  const { dtype = "f32", view = false, choice, edit } = options;
  const label = expertLabel(sizes, options);
  return defineTrainingCase({
    op: "expertLinearBackwardInput",
    label,
    sizes: { ...sizes },
    cost: {
      flops: 2 * R * K * O * I,
      bytes: bytesOf(R * K * (I + O)) + bytesOf(R * K, "i32") + bytesOf(E * O * I, dtype),
    },
    requires: [{ op: "expertLinearBackwardInput", dtype }],
    inputs: () => {
      const random = new Random(`expertLinearBackwardInput ${label}`);
      const dy = random.normals(R * K * O);
      const weight = random.normals(isQuantized(dtype) ? 0 : E * O * I, O ** -0.5);
      const experts = expertIds(random, R, K, E, choice);
      edit?.(dy, experts, weight);
      const input = floats(dy, [R, K, O]);
      return {
        dy: view ? asView(input) : input,
        weight: expertWeight(random, sizes, weight, options),
        experts: ints(experts, [R, K]),
      };
    },
    run: (kernel, t) => ({ dx: kernel.expertLinearBackwardInput(t.dy, t.weight, t.experts) }),
    reference: (v) => ({ dx: result([R, K, I], inputReference(sizes, v.dy, v.weight, v.experts)) }),
  });
}

function weightCase(sizes: ExpertSizes, options: ExpertOptions = {}): OpCase {
  const { R, K, E, O, I } = sizes;
  const { own = false, view = false, choice, edit } = options;
  const label = expertLabel(sizes, options);
  return defineTrainingCase({
    op: "expertLinearBackwardWeight",
    label,
    sizes: { ...sizes },
    cost: {
      flops: 2 * R * K * O * I,
      bytes: bytesOf(R * K * O + R * (own ? K : 1) * I + E * O * I) + bytesOf(R * K, "i32"),
    },
    inputs: () => {
      const random = new Random(`expertLinearBackwardWeight ${label}`);
      const dy = random.normals(R * K * O);
      const x = random.normals(R * (own ? K : 1) * I);
      const experts = expertIds(random, R, K, E, choice);
      edit?.(dy, experts, x);
      const [inputDy, inputX] = [floats(dy, [R, K, O]), floats(x, own ? [R, K, I] : [R, I])];
      return {
        dy: view ? asView(inputDy) : inputDy,
        x: view ? asView(inputX, 0, 5) : inputX,
        experts: ints(experts, [R, K]),
      };
    },
    run: (kernel, t) => ({ dWeight: kernel.expertLinearBackwardWeight(t.dy, t.x, t.experts, E) }),
    reference: (v) => ({ dWeight: result([E, O, I], weightReference(sizes, v.dy, v.x, v.experts, !own)) }),
  });
}

const sizesOf: readonly (readonly [ExpertSizes, ExpertOptions])[] = [
  [{ R: 1, K: 1, E: 1, O: 1, I: 1 }, {}],
  [{ R: 1, K: 2, E: 5, O: 7, I: 9 }, {}],
  [{ R: 3, K: 2, E: 4, O: 33, I: 24 }, { view: true }],
  [
    { R: 5, K: 3, E: 3, O: 10, I: 37 },
    { own: true, view: true },
  ],
  [{ R: 17, K: 2, E: 8, O: 130, I: 16 }, { own: true }],
  [{ R: 70, K: 2, E: 4, O: 13, I: 140 }, { choice: "one" }],
  [{ R: 300, K: 1, E: 3, O: 9, I: 8 }, { choice: "lopsided" }],
  [
    { R: 4, K: 2, E: 5, O: 6, I: 8 },
    {
      note: ", ids that are clamped",
      edit: (_, experts) => {
        experts.set([-1, 5, 1000, -(2 ** 31)], 1);
      },
    },
  ],
];

export const expertLinearBackwardInput = defineTrainingOp("expertLinearBackwardInput", {
  reference: inputReference,
  cases: [
    ...(["f32", "f16", "bf16"] as const).flatMap((dtype) => [
      ...sizesOf.map(([sizes, options]) => inputCase(sizes, { ...options, own: false, dtype })),
      inputCase(
        { R: 5, K: 2, E: 6, O: 6, I: 8 },
        {
          dtype,
          choice: "one",
          note: ", NaN in one row of dy, and in experts that no row takes",
          edit: (dy, _, weight) => {
            dy[(2 * 2 + 1) * 6 + 3] = NaN;
            weight.fill(NaN, 0, 4 * 6 * 8);
          },
        },
      ),
    ]),
    ...quantizedTypes.flatMap((dtype) => {
      const block = blockOf(dtype);
      return [
        inputCase({ R: 1, K: 2, E: 4, O: 8, I: 3 * block }, { dtype }),
        inputCase({ R: 3, K: 2, E: 5, O: 7, I: block }, { dtype, view: true }),
        inputCase({ R: 9, K: 2, E: 3, O: 33, I: block }, { dtype, choice: "lopsided" }),
        inputCase(
          { R: 3, K: 2, E: 3, O: 9, I: 2 * block },
          { dtype, extreme: true, note: ", blocks at the ends of their ranges" },
        ),
      ];
    }),
  ],
  benchmarks: [inputCase({ R: 512, K: 6, E: 64, O: 512, I: 1536 })],
  minimal: {
    args: { dy: f32(3, 2, 6), weight: f32(4, 6, 5), experts: i32(3, 2) },
    dense: ["weight", "experts"],
    anyWidth: ["weight"],
    call: (k, t) => [k.expertLinearBackwardInput(t.dy, t.weight, t.experts)],
  },
  batched: { arguments: ["dy"] },
});

export const expertLinearBackwardWeight = defineTrainingOp("expertLinearBackwardWeight", {
  reference: weightReference,
  cases: [
    ...sizesOf.map(([sizes, options]) => weightCase(sizes, options)),
    weightCase(
      { R: 5, K: 2, E: 4, O: 6, I: 8 },
      {
        note: ", NaN in one row of dy",
        edit: (dy) => {
          dy[(2 * 2 + 1) * 6 + 3] = NaN;
        },
      },
    ),
  ],
  benchmarks: [weightCase({ R: 512, K: 6, E: 64, O: 512, I: 1536 })],
  minimal: {
    args: { dy: f32(3, 2, 6), x: f32(3, 5), experts: i32(3, 2) },
    dense: ["experts"],
    anyWidth: ["dy", "x"],
    call: (k, t) => [k.expertLinearBackwardWeight(t.dy, t.x, t.experts, 4)],
  },
  outOfRange: (k, scope) => {
    const [dy, x] = [scope.use(k.zeros([3, 2, 6], "f32")), scope.use(k.zeros([3, 5], "f32"))];
    const experts = scope.use(k.zeros([3, 2], "i32"));
    return [
      ["no experts", () => k.expertLinearBackwardWeight(dy, x, experts, 0)],
      ["half an expert", () => k.expertLinearBackwardWeight(dy, x, experts, 2.5)],
    ];
  },
});
