import { isQuantized, type QuantizedDType, quantizedTypes, type WeightDType } from "@mamba/kernel";
import { type CaseInput, defineCase, floats, ints, type OpCase, roundedTolerance } from "../case.ts";
import { type Choice, expertIds } from "../cases/expertIds.ts";
import { asView, bytesOf, result } from "../cases/inputs.ts";
import { blockOf, extremeBlocks, randomBlocks } from "../cases/storageBlocks.ts";
import type { Values } from "../math.ts";
import { defineOp, f32, i32, manyRows } from "../opSuite.ts";
import { Random } from "../random.ts";

/** Sizes of a product with experts: R rows, K experts of each, E experts, O results, I features. */
export interface ExpertSizes {
  readonly R: number;
  readonly K: number;
  readonly E: number;
  readonly O: number;
  readonly I: number;
}

/** An expert's id as the ops take it: clamped to [0, E). */
export function clampedExpert(ids: Values, at: number, E: number): number {
  return Math.min(Math.max(ids[at]!, 0), E - 1);
}

/**
 * y[r,j] = weight[experts[r,j]] · x[r] for weight [E, O, I]; x[r,j] when x is [R, K, I].
 *
 * @param shared true when x is [R, I]
 */
function reference(
  { R, K, E, O, I }: ExpertSizes,
  x: Values,
  weight: Values,
  experts: Values,
  shared: boolean,
): Float64Array {
  const y = new Float64Array(R * K * O);
  for (let p = 0; p < R * K; p++) {
    const from = (shared ? Math.floor(p / K) : p) * I;
    const expert = clampedExpert(experts, p, E);
    for (let o = 0; o < O; o++) {
      let sum = 0;
      for (let i = 0; i < I; i++) sum += x[from + i]! * weight[(expert * O + o) * I + i]!;
      y[p * O + o] = sum;
    }
  }
  return y;
}

export interface ExpertOptions {
  dtype?: WeightDType;
  /** x is [R, K, I], with a row of its own for each expert. */
  own?: boolean;
  view?: boolean;
  choice?: Choice;
  note?: string;
  /** True for blocks at the ends of the ranges of their fields; for quantised weights only. */
  extreme?: boolean;
  /** Changes the inputs, of the weight only when it is not quantised, after they were drawn. */
  edit?: (x: Float32Array, experts: Int32Array, weight: Float32Array) => void;
}

export function expertLabel({ R, K, E, O, I }: ExpertSizes, options: ExpertOptions): string {
  const { dtype = "f32", own = false, view = false, choice = "random", note = "" } = options;
  const chosen = choice === "random" ? "" : `, ${choice === "one" ? "the same experts" : "lopsided"}`;
  return `R${R} K${K} E${E} out ${O} in ${I} ${dtype}${own ? " own rows" : ""}${view ? " of a view" : ""}${chosen}${note}`;
}

/** Draws the weight [E, O, I] of a case: blocks of random bits when it is quantised. */
export function expertWeight(
  random: Random,
  { E, O, I }: ExpertSizes,
  drawn: Float32Array,
  { dtype = "f32", extreme = false }: ExpertOptions,
): CaseInput {
  if (!isQuantized(dtype)) return floats(drawn, [E, O, I], dtype);
  return (extreme ? extremeBlocks : randomBlocks)(random, [E, O, I], dtype);
}

function expertCase(sizes: ExpertSizes, options: ExpertOptions = {}): OpCase {
  const { R, K, E, O, I } = sizes;
  const { dtype = "f32", own = false, view = false, choice, edit } = options;
  const label = expertLabel(sizes, options);
  return defineCase({
    op: "expertLinear",
    label,
    sizes: { ...sizes },
    cost: {
      flops: 2 * R * K * O * I,
      bytes: bytesOf(R * (own ? K : 1) * I + R * K * O) + bytesOf(R * K, "i32") + bytesOf(E * O * I, dtype),
    },
    requires: [{ op: "expertLinear", dtype }],
    roundedTolerance: isQuantized(dtype) ? roundedTolerance(R * K * O) : undefined,
    inputs: () => {
      const random = new Random(`expertLinear ${label}`);
      const x = random.normals(R * (own ? K : 1) * I);
      const weight = random.normals(isQuantized(dtype) ? 0 : E * O * I, I ** -0.5);
      const experts = expertIds(random, R, K, E, choice);
      edit?.(x, experts, weight);
      const input = floats(x, own ? [R, K, I] : [R, I]);
      return {
        x: view ? asView(input) : input,
        weight: expertWeight(random, sizes, weight, options),
        experts: ints(experts, [R, K]),
      };
    },
    run: (kernel, t) => ({ y: kernel.expertLinear(t) }),
    reference: (v) => ({ y: result([R, K, O], reference(sizes, v.x, v.weight, v.experts, !own)) }),
  });
}

const dtypes = ["f32", "f16", "bf16"] as const;

/** Rows of each expert from none to more than a tile; odd widths on both sides. */
function plainCases(dtype: (typeof dtypes)[number]): OpCase[] {
  return [
    expertCase({ R: 1, K: 1, E: 1, O: 1, I: 1 }, { dtype }),
    expertCase({ R: 1, K: 2, E: 5, O: 7, I: 9 }, { dtype }),
    expertCase({ R: 1, K: 6, E: 16, O: 43, I: 40 }, { dtype, own: true }),
    expertCase({ R: 3, K: 2, E: 4, O: 33, I: 24 }, { dtype, view: true }),
    expertCase({ R: 5, K: 3, E: 3, O: 10, I: 37 }, { dtype, own: true, view: true }),
    expertCase({ R: 17, K: 2, E: 8, O: 21, I: 16 }, { dtype }),
    expertCase({ R: 70, K: 2, E: 4, O: 13, I: 11 }, { dtype, choice: "one" }),
    expertCase({ R: 130, K: 1, E: 7, O: 9, I: 8 }, { dtype, choice: "lopsided" }),
    expertCase({ R: 4, K: 2, E: 3, O: 6, I: 1031 }, { dtype, note: ", deeper than a cache block" }),
    expertCase(
      { R: 4, K: 2, E: 5, O: 6, I: 8 },
      {
        dtype,
        note: ", ids that are clamped",
        edit: (_, experts) => {
          experts.set([-1, 5, 1000, -(2 ** 31)], 1);
        },
      },
    ),
    expertCase(
      { R: 5, K: 2, E: 6, O: 6, I: 8 },
      {
        dtype,
        choice: "one",
        note: ", NaN in one row of x, and in experts that no row takes",
        edit: (x, _, weight) => {
          x[2 * 8 + 3] = NaN;
          weight.fill(NaN, 0, 4 * 6 * 8);
        },
      },
    ),
  ];
}

/** One row and several, an expert with none; numbers of results that four does not divide; one block and several. */
function quantizedCases(dtype: QuantizedDType): OpCase[] {
  const block = blockOf(dtype);
  return [
    expertCase({ R: 1, K: 2, E: 4, O: 8, I: 3 * block }, { dtype }),
    expertCase({ R: 1, K: 3, E: 5, O: 7, I: block }, { dtype, own: true }),
    expertCase({ R: 2, K: 2, E: 3, O: 33, I: block }, { dtype }),
    expertCase({ R: 9, K: 2, E: 4, O: 6, I: 2 * block }, { dtype, view: true }),
    expertCase({ R: 19, K: 1, E: 3, O: 17, I: block }, { dtype, own: true, choice: "lopsided" }),
    expertCase(
      { R: 9, K: 2, E: 3, O: 21, I: 4 * block },
      { dtype, extreme: true, note: ", blocks at the ends of their ranges" },
    ),
    expertCase(
      { R: 7, K: 2, E: 4, O: 5, I: block },
      {
        dtype,
        note: ", NaN in one row of x, another of zeros",
        edit: (x) => {
          x[3 * block + 4] = NaN;
          x.fill(0, 5 * block, 6 * block);
        },
      },
    ),
  ];
}

export const expertLinear = defineOp("expertLinear", {
  reference,
  cases: [...dtypes.flatMap(plainCases), ...quantizedTypes.flatMap(quantizedCases)],
  // The experts of granite-4.0-h-tiny: one token and a prompt.
  benchmarks: (["f32", "f16", "q8_0", "q4_0", "q4_k"] as const).flatMap((dtype) => [
    expertCase({ R: 1, K: 6, E: 64, O: 512, I: 1536 }, { dtype, note: ", up" }),
    ...(dtype === "f32"
      ? []
      : [expertCase({ R: 512, K: 6, E: 64, O: 512, I: 1536 }, { dtype, note: ", up" })]),
  ]),
  minimal: {
    args: { x: f32(3, 5), weight: f32(4, 6, 5), experts: i32(3, 2) },
    dense: ["weight", "experts"],
    // Any number of experts of each row.
    anyWidth: ["experts"],
    call: (k, t) => [k.expertLinear(t)],
  },
  rows: {
    arguments: ["x"],
    integers: ["experts"],
    many: [
      ...quantizedTypes.map((dtype, i) =>
        i % 2 === 0
          ? expertCase({ R: manyRows, K: 2, E: 5, O: 13, I: 2 * blockOf(dtype) }, { dtype })
          : expertCase(
              { R: manyRows, K: 2, E: 3, O: 8, I: blockOf(dtype) },
              { dtype, own: true, view: true },
            ),
      ),
      ...dtypes.flatMap((dtype) => [
        expertCase({ R: manyRows, K: 2, E: 4, O: 35, I: 40 }, { dtype }),
        expertCase({ R: manyRows, K: 3, E: 5, O: 10, I: 129 }, { dtype, own: true, view: true }),
        expertCase({ R: manyRows, K: 1, E: 2, O: 6, I: 2063 }, { dtype, choice: "lopsided" }),
      ]),
    ],
  },
});
