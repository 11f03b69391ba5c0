import { type CaseInput, defineCase, floats, ints, type OpCase } from "../case.ts";
import {
  type AttentionShape,
  causalPairs,
  padAll,
  pairFlops,
  shapeLabel,
  softmaxRow,
  visibleKeys,
} from "../cases/attentionInputs.ts";
import { asView, bytesOf, result } from "../cases/inputs.ts";
import { sequenceKinds } from "../cases/sequenceIds.ts";
import type { Values } from "../math.ts";
import { B, defineOp, f32, i32, L, manyRows } from "../opSuite.ts";
import { Random } from "../random.ts";

/** The arguments of the op as plain numbers, in the shapes of `AttentionArgs`. */
export interface AttentionValues {
  q: Values;
  k: Values;
  v: Values;
  scale: number;
  sequenceIds?: Values | undefined;
}

/**
 * y[b,i,h] = sum_j softmax_j(scale · q[b,i,h] · k[b,j,g]) · v[b,j,g] with g = floor(h / (H/G)), over the keys j <= i with the id of i.
 * y = 0 at padding.
 */
function reference(
  { B, L, H, G, K, V }: AttentionShape,
  { q, k, v, scale, sequenceIds }: AttentionValues,
): Float64Array {
  const y = new Float64Array(B * L * H * V);
  for (let b = 0; b < B; b++) {
    for (let i = 0; i < L; i++) {
      const keys = visibleKeys(sequenceIds, b, i, L);
      if (keys.length === 0) continue;
      for (let h = 0; h < H; h++) {
        const g = Math.floor(h / (H / G));
        const at = (j: number): number => ((b * L + j) * G + g) * K;
        const { weights } = softmaxRow(keys, K, scale, q, ((b * L + i) * H + h) * K, k, at);
        const to = ((b * L + i) * H + h) * V;
        keys.forEach((j, n) => {
          for (let d = 0; d < V; d++) y[to + d]! += weights[n]! * v[((b * L + j) * G + g) * V + d]!;
        });
      }
    }
  }
  return y;
}

export interface AttentionOptions {
  /** Several sequences in a row, and padding full of NaN. */
  packed?: boolean;
  view?: boolean;
  scale?: number;
  note?: string;
  /** Changes the inputs after they were drawn. */
  edit?: (data: AttentionData) => void;
}

type AttentionData = Record<"q" | "k" | "v", Float32Array>;

export function attentionLabel(shape: AttentionShape, options: AttentionOptions): string {
  const { packed = false, view = false, note = "" } = options;
  return `${shapeLabel(shape)}${packed ? " +sequenceIds" : ""}${view ? " of views" : ""}${note}`;
}

/** The inputs of an attention of training or of a prompt. `draw` gives further data after them. */
export function attentionInputs(op: string, shape: AttentionShape, options: AttentionOptions) {
  const { B, L, H, G, K, V } = shape;
  const { packed = false, view = false, edit } = options;
  const random = new Random(`${op} ${attentionLabel(shape, options)}`);
  const data = {
    q: random.normals(B * L * H * K),
    k: random.normals(B * L * G * K),
    v: random.normals(B * L * G * V),
  };
  const dy = random.normals(B * L * H * V);
  edit?.(data);
  const ids = packed ? padAll(B, L, data.q, data.k, data.v, dy) : undefined;
  const place = (x: Float32Array, before: number): CaseInput => {
    const input = floats(x, [B, L, x.length / (B * L)]);
    return view ? asView(input, before, 3) : input;
  };
  return {
    args: {
      q: place(data.q, 3),
      k: place(data.k, 1),
      v: place(data.v, 5),
      sequenceIds: ids && ints(ids, [B, L]),
    },
    dy: place(dy, 2),
  };
}

/** The bytes of the arguments and of y. */
export function attentionBytes({ B, L, H, G, K, V }: AttentionShape, packed = false): number {
  return bytesOf(B * L * (H + G) * (K + V)) + (packed ? bytesOf(B * L, "i32") : 0);
}

/** The default scale of a head of `K` numbers. */
export function scaleFor({ K }: AttentionShape, { scale = K ** -0.5 }: AttentionOptions): number {
  return scale;
}

function attentionCase(shape: AttentionShape, options: AttentionOptions = {}): OpCase {
  const { B, L, H, G, V } = shape;
  const call = { heads: H, kvHeads: G, scale: scaleFor(shape, options) };
  return defineCase({
    op: "attention",
    label: attentionLabel(shape, options),
    sizes: { ...shape },
    cost: { flops: causalPairs(shape) * pairFlops(shape), bytes: attentionBytes(shape, options.packed) },
    inputs: () => attentionInputs("attention", shape, options).args,
    run: (kernel, t) => ({ y: kernel.attention({ ...t, ...call }) }),
    reference: (v) => ({ y: result([B, L, H * V], reference(shape, { ...v, ...call })) }),
  });
}

/** Lengths around the likely tiles; numbers of heads that divide and that do not; equal and different widths. */
export const attentionShapes: readonly AttentionShape[] = [
  { B: 1, L: 1, H: 1, G: 1, K: 1, V: 1 },
  { B: 2, L: 2, H: 2, G: 1, K: 8, V: 4 },
  { B: 1, L: 5, H: 7, G: 1, K: 3, V: 5 },
  { B: 2, L: 17, H: 4, G: 1, K: 16, V: 16 },
  { B: 1, L: 63, H: 4, G: 2, K: 12, V: 7 },
  { B: 2, L: 64, H: 2, G: 2, K: 9, V: 33 },
  { B: 1, L: 65, H: 6, G: 3, K: 33, V: 12 },
  { B: 1, L: 130, H: 2, G: 1, K: 64, V: 64 },
  { B: 2, L: 130, H: 14, G: 2, K: 5, V: 8 },
];

/** The minimal call of an attention: widths of 3 and 5. */
export const attentionArgs = {
  q: f32(B, L, 12),
  k: f32(B, L, 6),
  v: f32(B, L, 10),
  sequenceIds: i32(B, L),
};

/** The scalars of the minimal call. */
export const attentionScalars = { heads: 4, kvHeads: 2, scale: 0.5 };

export const attention = defineOp("attention", {
  reference,
  cases: [
    ...attentionShapes.map((shape) => attentionCase(shape)),
    attentionCase({ B: sequenceKinds, L: 20, H: 4, G: 2, K: 8, V: 6 }, { packed: true }),
    attentionCase({ B: 3, L: 130, H: 3, G: 1, K: 6, V: 5 }, { packed: true }),
    attentionCase({ B: 2, L: 67, H: 4, G: 2, K: 6, V: 9 }, { packed: true, view: true }),
    attentionCase({ B: 2, L: 33, H: 4, G: 4, K: 7, V: 3 }, { view: true }),
    attentionCase({ B: 1, L: 66, H: 2, G: 1, K: 16, V: 16 }, { scale: 3, note: ", a large scale" }),
    attentionCase({ B: 1, L: 70, H: 2, G: 1, K: 4, V: 4 }, { scale: -0.5, note: ", a negative scale" }),
    attentionCase(
      { B: 1, L: 140, H: 2, G: 2, K: 4, V: 4 },
      {
        scale: 1,
        note: ", scores from -500 to 500 that grow along the keys",
        edit: ({ q, k }) => {
          q.fill(5);
          for (let i = 0; i < k.length; i++) k[i] = 25 * ((2 * i) / k.length - 1);
        },
      },
    ),
    attentionCase(
      { B: 2, L: 70, H: 4, G: 2, K: 4, V: 5 },
      {
        note: ", NaN in one key and in one value",
        edit: ({ k, v }) => {
          k[(66 * 2 + 1) * 4 + 3] = NaN;
          v[((70 + 40) * 2 + 0) * 5 + 2] = NaN;
        },
      },
    ),
  ],
  // The layers of granite-4.0-350m, for a prompt.
  benchmarks: [attentionCase({ B: 1, L: 512, H: 12, G: 4, K: 64, V: 64 })],
  minimal: {
    args: attentionArgs,
    dense: ["sequenceIds"],
    call: (k, t) => [k.attention({ ...t, ...attentionScalars })],
  },
  outOfRange: (k, scope) => {
    const zeros = (width: number) => scope.use(k.zeros([B, L, width], "f32"));
    const [q, kv] = [zeros(12), zeros(6)];
    const args = { q, k: kv, v: kv, ...attentionScalars };
    return [
      ["no heads", () => k.attention({ ...args, heads: 0 })],
      ["half a head", () => k.attention({ ...args, heads: 4.5 })],
      ["no heads of keys", () => k.attention({ ...args, kvHeads: 0 })],
      ["heads that their keys do not divide", () => k.attention({ ...args, heads: 3 })],
      ["a scale of NaN", () => k.attention({ ...args, scale: NaN })],
      ["an infinite scale", () => k.attention({ ...args, scale: Infinity })],
    ];
  },
  rows: {
    arguments: ["q", "k", "v"],
    integers: ["sequenceIds"],
    many: [
      attentionCase({ B: manyRows, L: 3, H: 4, G: 2, K: 8, V: 8 }),
      attentionCase({ B: manyRows, L: 66, H: 2, G: 1, K: 5, V: 4 }),
    ],
  },
});
