import { readFileSync } from "node:fs";
import type { ElementLossKind, GeluApproximation } from "@mamba/kernel";
import { describe, expect, test } from "vitest";
import { nmse, type OpGolden, reference } from "../src/index.ts";

// The float64 references of the small ops and of the losses against PyTorch in float64.

const opGoldens = JSON.parse(
  readFileSync(new URL("../goldens/ops.json", import.meta.url), "utf8"),
) as readonly OpGolden[];

type Lists = Readonly<Record<string, readonly number[]>>;
type Found = Readonly<Record<string, ArrayLike<number>>>;
type Options = Readonly<Record<string, unknown>>;
type Compute = (v: Lists, dy: readonly number[], options: Options, sizes: number[]) => Found;

const list = (values: readonly number[] | undefined): readonly number[] => values ?? [];

/** [B, L, D] and the sequences of a pooling op by the ids of its options. */
function pooled(options: Options): { sequenceIds?: number[]; ranges?: number[] } {
  if (options["ids"] === undefined) return {};
  const ids = (options["ids"] as number[][]).flat();
  const count = Math.max(...ids) + 1;
  const ranges = Array.from({ length: count }, (_, s) => [ids.indexOf(s), ids.lastIndexOf(s) + 1]);
  return { sequenceIds: ids, ranges: ranges.flat() };
}

const binary =
  (op: "add" | "sub" | "mul" | "div"): Compute =>
  ({ a = [], b = [] }) => ({ y: reference[op](a, b) });

const elementLoss =
  (kind: ElementLossKind): Compute =>
  ({ x = [], target = [], weight }, _, { delta, levels }) => {
    const args = { kind, x, target, weight, delta: delta as number, levels: levels as number[] };
    const { loss, dx } = reference.elementLossWithGradient(args);
    expect([...reference.elementLoss(args)]).toEqual([...loss]);
    return { y: loss, d_x: dx };
  };

const computed: Readonly<Record<string, Compute>> = {
  add: binary("add"),
  sub: binary("sub"),
  mul: binary("mul"),
  div: binary("div"),
  exp: ({ x }) => ({ y: reference.exp(list(x)) }),
  log: ({ x }) => ({ y: reference.log(list(x)) }),
  sqrt: ({ x }) => ({ y: reference.sqrt(list(x)) }),
  tanh: ({ x = [] }, dy) => {
    const y = reference.tanh(x);
    return { y, d_x: reference.tanhBackward(dy, y) };
  },
  sigmoid: ({ x = [] }, dy) => {
    const y = reference.sigmoid(x);
    return { y, d_x: reference.sigmoidBackward(dy, y) };
  },
  gelu: ({ x = [] }, dy, { approximate }) => {
    const form = approximate as GeluApproximation;
    return { y: reference.gelu(x, form), d_x: reference.geluBackward(dy, x, form) };
  },
  softmax: ({ x = [] }, dy, _, [rows = 0, D = 0]) => {
    const y = reference.softmax(rows, D, x);
    return { y, d_x: reference.softmaxBackward(rows, D, dy, y) };
  },
  layerNorm: ({ x = [], weight, bias }, dy, { eps }, [rows = 0, D = 0]) => {
    const y = reference.layerNorm(rows, D, x, weight, bias, eps as number);
    const { dx, dWeight, dBias } = reference.layerNormBackward(rows, D, dy, x, weight, eps as number);
    return { y, d_x: dx, d_weight: dWeight, d_bias: dBias };
  },
  dropout: ({ x = [] }, dy, { probability, seed }) => {
    const args = [probability as number, seed as number] as const;
    return { y: reference.dropout(x, ...args), d_x: reference.dropout(dy, ...args) };
  },
  meanPositions: ({ x = [] }, dy, options, [B = 0, L = 0, D = 0]) => ({
    y: reference.meanPositions(B, L, D, x, pooled(options)),
    d_x: reference.meanPositionsBackward(B, L, D, dy, pooled(options)),
  }),
  maxPositions: ({ x = [] }, dy, options, [B = 0, L = 0, D = 0]) => {
    const { y, index } = reference.maxPositions(B, L, D, x, pooled(options));
    return { y, d_x: reference.maxPositionsBackward(B, L, D, dy, index) };
  },
  crossEntropy: ({ logits = [], classWeights }, _, { targets, ...rest }, [M = 0, V = 0]) => {
    const options = { ...rest, classWeights };
    const { loss, dLogits } = reference.crossEntropyWithGradient(M, V, logits, targets as number[], options);
    return { y: loss, d_logits: dLogits };
  },
  meanSquaredError: elementLoss("squaredError"),
  huber: elementLoss("huber"),
  binaryCrossEntropy: elementLoss("binaryCrossEntropy"),
  quantileLoss: elementLoss("quantile"),
};

/** Ops that core composes: their gradients, or all of them, are tested there. */
const composed = ["takePositions", "insertPosition"];
const composedGradients = /^(add|sub|mul|div|exp|log|sqrt)\.d_|\.d_target$/;

/** NMSE of results that agree to twelve digits. */
const tolerance = 1e-24;

function check({ op, options, inputs, dy, outputs }: OpGolden): void {
  const values = Object.fromEntries(Object.entries(inputs).map(([name, { data }]) => [name, data]));
  const [first] = Object.values(inputs);
  const compute = computed[op];
  if (compute === undefined) throw new Error(`no reference for ${op}`);
  const found = compute(values, list(dy?.data), options, [...(first?.shape ?? [])]);
  for (const [name, { data }] of Object.entries(outputs)) {
    if (composedGradients.test(`${op}.${name}`)) continue;
    expect(nmse(found[name] ?? [], data), `${op}.${name}`).toBeLessThan(tolerance);
  }
}

describe("goldens of PyTorch agree with the float64 reference of", () => {
  for (const op of new Set(opGoldens.map((golden) => golden.op))) {
    if (composed.includes(op)) continue;
    test(op, () => {
      for (const golden of opGoldens.filter((golden) => golden.op === op)) check(golden);
    });
  }
});
