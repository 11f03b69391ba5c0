import { type CaseInput, defineCase, floats, ints, type OpCase } from "../case.ts";
import { type AttentionShape, pairFlops, shapeLabel, softmaxRow } from "../cases/attentionInputs.ts";
import { asView, bytesOf, result } from "../cases/inputs.ts";
import type { Values } from "../math.ts";
import { B, defineOp, f32, i32, L, manyRows } from "../opSuite.ts";
import { Random } from "../random.ts";

/** Sizes of an attention with a cache of T positions. */
export interface CacheShape extends AttentionShape {
  readonly T: number;
}

/** The arguments of the op as plain numbers. */
export interface CachedAttentionValues {
  q: Values;
  k: Values;
  v: Values;
  keys: Values;
  values: Values;
  lengths: Values;
  scale: number;
}

/** The attention of `attention` for L positions after those that the cache holds, and the cache with them. */
function reference(
  { B, L, H, G, K, V, T }: CacheShape,
  { q, k, v, keys: oldKeys, values: oldValues, lengths, scale }: CachedAttentionValues,
): { y: Float64Array; keys: Float64Array; values: Float64Array } {
  const keys = Float64Array.from(oldKeys);
  const values = Float64Array.from(oldValues);
  const y = new Float64Array(B * L * H * V);
  for (let b = 0; b < B; b++) {
    const before = Math.min(Math.max(lengths[b]!, 0), T - L);
    for (let i = 0; i < L * G * K; i++) keys[(b * T + before) * G * K + i] = k[b * L * G * K + i]!;
    for (let i = 0; i < L * G * V; i++) values[(b * T + before) * G * V + i] = v[b * L * G * V + i]!;
    for (let i = 0; i < L; i++) {
      const seen = Array.from({ length: before + i + 1 }, (_, j) => j);
      for (let h = 0; h < H; h++) {
        const g = Math.floor(h / (H / G));
        const at = (j: number): number => ((b * T + j) * G + g) * K;
        const { weights } = softmaxRow(seen, K, scale, q, ((b * L + i) * H + h) * K, keys, at);
        const to = ((b * L + i) * H + h) * V;
        for (const j of seen) {
          for (let d = 0; d < V; d++) y[to + d]! += weights[j]! * values[((b * T + j) * G + g) * V + d]!;
        }
      }
    }
  }
  return { y, keys, values };
}

interface Options {
  view?: boolean;
  scale?: number;
  note?: string;
}

/** @param lengths the positions before the call, of one row after the other, again from the first */
function cachedAttentionCase(shape: CacheShape, lengths: readonly number[], options: Options = {}): OpCase {
  const { B, L, H, G, K, V, T } = shape;
  const { view = false, scale = K ** -0.5, note = "" } = options;
  const label = `${shapeLabel(shape)} T${T} after ${lengths.join(", ")}${view ? " of views" : ""}${note}`;
  const call = { heads: H, kvHeads: G, scale };
  const before = Array.from({ length: B }, (_, b) => lengths[b % lengths.length] ?? 0);
  const pairs = before.reduce((sum, length) => {
    const first = Math.min(Math.max(length, 0), T - L);
    return sum + H * (L * first + (L * (L + 1)) / 2);
  }, 0);
  return defineCase({
    op: "cachedAttention",
    label,
    sizes: { ...shape },
    cost: {
      flops: pairs * pairFlops(shape),
      // The cache is updated in place. An op reads less of it when its rows are short.
      bytes: bytesOf(B * L * (H + G) * (K + V) + 2 * B * T * G * (K + V)) + bytesOf(B, "i32"),
    },
    inputs: () => {
      const random = new Random(`cachedAttention ${label}`);
      const place = (width: number, at: number): CaseInput => {
        const input = floats(random.normals(B * L * width), [B, L, width]);
        return view ? asView(input, at, 3) : input;
      };
      // Positions that no row has read hold NaN.
      const cache = (width: number): CaseInput => {
        const data = random.normals(B * T * width);
        before.forEach((length, b) => {
          const first = Math.min(Math.max(length, 0), T - L);
          data.fill(NaN, (b * T + first) * width, (b + 1) * T * width);
        });
        return { ...floats(data, [B, T, width]), inPlace: true };
      };
      return {
        q: place(H * K, 3),
        k: place(G * K, 1),
        v: place(G * V, 5),
        keys: cache(G * K),
        values: cache(G * V),
        lengths: ints(before, [B]),
      };
    },
    run: (kernel, t) => ({ y: kernel.cachedAttention({ ...t, ...call }) }),
    reference: (values) => {
      const after = reference(shape, { ...values, scale });
      return {
        y: result([B, L, H * V], after.y),
        keys: result([B, T, G * K], after.keys),
        values: result([B, T, G * V], after.values),
      };
    },
  });
}

export const cachedAttention = defineOp("cachedAttention", {
  reference,
  cases: [
    cachedAttentionCase({ B: 1, L: 1, H: 1, G: 1, K: 1, V: 1, T: 1 }, [0]),
    cachedAttentionCase({ B: 3, L: 1, H: 4, G: 1, K: 8, V: 5, T: 70 }, [0, 1, 63]),
    cachedAttentionCase({ B: 4, L: 1, H: 4, G: 2, K: 16, V: 16, T: 260 }, [0, 1, 63, 200]),
    cachedAttentionCase({ B: 2, L: 2, H: 7, G: 1, K: 5, V: 3, T: 203 }, [200, 1]),
    cachedAttentionCase({ B: 2, L: 65, H: 4, G: 2, K: 8, V: 12, T: 300 }, [63, 200]),
    cachedAttentionCase({ B: 2, L: 130, H: 2, G: 2, K: 6, V: 7, T: 131 }, [0, 1]),
    cachedAttentionCase({ B: 1, L: 64, H: 6, G: 3, K: 33, V: 9, T: 128 }, [64]),
    cachedAttentionCase({ B: 1, L: 1, H: 14, G: 2, K: 64, V: 64, T: 520 }, [517]),
    cachedAttentionCase({ B: 2, L: 1, H: 3, G: 1, K: 4, V: 5, T: 2100 }, [2070, 1024]),
    cachedAttentionCase({ B: 1, L: 3, H: 2, G: 1, K: 4, V: 4, T: 1030 }, [1022]),
    cachedAttentionCase({ B: 3, L: 5, H: 4, G: 2, K: 7, V: 4, T: 80 }, [62, 0, 75], { view: true }),
    cachedAttentionCase({ B: 2, L: 1, H: 4, G: 2, K: 7, V: 4, T: 80 }, [79, 9], { view: true, scale: 2 }),
    cachedAttentionCase({ B: 3, L: 3, H: 2, G: 1, K: 4, V: 4, T: 9 }, [-5, 7, 1000], {
      note: ", lengths that are clamped to [0, T - L]",
    }),
  ],
  // One token of granite-4.0-350m after 4096 positions, and of eight rows.
  benchmarks: [
    cachedAttentionCase({ B: 1, L: 1, H: 12, G: 4, K: 64, V: 64, T: 4160 }, [4096]),
    cachedAttentionCase({ B: 8, L: 1, H: 12, G: 4, K: 64, V: 64, T: 1088 }, [1024]),
  ],
  minimal: {
    args: {
      q: f32(B, L, 12),
      k: f32(B, L, 6),
      v: f32(B, L, 10),
      keys: f32(B, L + 2, 6),
      values: f32(B, L + 2, 10),
      lengths: i32(B),
    },
    dense: ["keys", "values"],
    writes: ["keys", "values"],
    call: (k, t) => [k.cachedAttention({ ...t, heads: 4, kvHeads: 2, scale: 0.5 })],
  },
  outOfRange: (k, scope) => {
    const zeros = (...shape: number[]) => scope.use(k.zeros(shape, "f32"));
    const cache = zeros(B, 8, 6);
    const args = {
      q: zeros(B, 2, 12),
      k: zeros(B, 2, 6),
      v: zeros(B, 2, 6),
      keys: cache,
      values: zeros(B, 8, 6),
    };
    const lengths = scope.use(k.zeros([B], "i32"));
    const call = (change: object) => () =>
      k.cachedAttention({ ...args, lengths, heads: 4, kvHeads: 2, scale: 1, ...change });
    return [
      ["no heads", call({ heads: 0 })],
      ["heads that their keys do not divide", call({ heads: 3 })],
      ["no heads of keys", call({ kvHeads: 0 })],
      ["a scale of NaN", call({ scale: NaN })],
    ];
  },
  rows: {
    arguments: ["q", "k", "v", "keys", "values"],
    integers: ["lengths"],
    many: [
      cachedAttentionCase({ B: manyRows, L: 1, H: 4, G: 2, K: 8, V: 8, T: 131 }, [0, 1, 63, 64, 130, 7]),
      cachedAttentionCase({ B: manyRows, L: 3, H: 2, G: 1, K: 5, V: 4, T: 70 }, [0, 61, 62, 66]),
      cachedAttentionCase({ B: manyRows, L: 1, H: 2, G: 1, K: 4, V: 5, T: 1100 }, [1050, 0, 1023, 1024, 5]),
    ],
  },
});
