import { defineCase, defineTrainingCase, floats, ints, type OpCase } from "../case.ts";
import { asView, bytesOf, result } from "../cases/inputs.ts";
import { type Pooled, pooledCount, pooledInputs, pooledRows, rowsAlone } from "../cases/pooling.ts";
import type { Values } from "../math.ts";
import { B, D, defineOp, defineTrainingOp, f32, i32, L, manyRows } from "../opSuite.ts";
import { Random } from "../random.ts";
import { countedPositions } from "./meanPositions.ts";

/**
 * y [S, D] and index [S, D]: the largest value over the positions that count for each sequence of x [B, L, D], and the
 * first flattened position that holds it. The first NaN is the largest; NaN and -1 when no position counts.
 */
function reference(
  batch: number,
  length: number,
  channels: number,
  x: Values,
  sequences: { sequenceIds?: Values | undefined; ranges?: Values | undefined } = {},
): { y: Float64Array; index: Int32Array } {
  const counted = countedPositions(batch, length, sequences);
  const y = new Float64Array(counted.length * channels).fill(NaN);
  const index = new Int32Array(counted.length * channels).fill(-1);
  for (const [s, positions] of counted.entries()) {
    for (let d = 0; d < channels; d++) {
      const i = s * channels + d;
      for (const p of positions) {
        const value = x[p * channels + d]!;
        if (index[i]! >= 0 && !(value > y[i]! || (Number.isNaN(value) && !Number.isNaN(y[i]!)))) continue;
        y[i] = value;
        index[i] = p;
      }
    }
  }
  return { y, index };
}

/** dx [B, L, D]: dy [S, D] at the positions `index` [S, D], which lie in [0, B · L) or do not count. */
function backwardReference(
  batch: number,
  length: number,
  channels: number,
  dy: Values,
  index: Values,
): Float64Array {
  const dx = new Float64Array(batch * length * channels);
  for (let i = 0; i < dy.length; i++) {
    const p = index[i]!;
    if (p >= 0 && p < batch * length) dx[p * channels + (i % channels)]! += dy[i]!;
  }
  return dx;
}

type Sizes = readonly [B: number, L: number, D: number];

interface Options {
  view?: boolean;
  note?: string;
  edit?: (x: Float32Array) => void;
}

function build([B, L, D]: Sizes, pooled: Pooled | undefined, options: Options = {}): OpCase {
  const { view = false, note = "", edit } = options;
  const label = `B${B} L${L} D${D}${pooled ? ` S${pooled.ranges.length}` : ""}${view ? " of a view" : ""}${note}`;
  const S = pooled?.ranges.length ?? B;
  return defineCase({
    op: "maxPositions",
    label,
    sizes: { B, L, D, S },
    cost: { flops: B * L * D, bytes: bytesOf(B * L * D + 2 * S * D + pooledCount(pooled)) },
    inputs: () => {
      const data = new Random(`maxPositions ${label}`).normals(B * L * D);
      pooled?.ids.forEach((id, p) => {
        if (id < 0) data.fill(NaN, p * D, (p + 1) * D);
      });
      edit?.(data);
      const x = floats(data, [B, L, D]);
      return { x: view ? asView(x) : x, ...pooledInputs(pooled, B, L) };
    },
    run: (kernel, t) => ({ ...kernel.maxPositions(t) }),
    reference: (v) => {
      const { y, index } = reference(B, L, D, v.x, v);
      return { y: result([S, D], y), index: result([S, D], index) };
    },
  });
}

/** `index` of [S, D] draws a position of its own for each sequence, and some outside. */
function backwardCase([B, L, D]: Sizes, S: number, view = false): OpCase {
  const label = `B${B} L${L} D${D} S${S}${view ? " of a view" : ""}`;
  return defineTrainingCase({
    op: "maxPositionsBackward",
    label,
    sizes: { B, L, D, S },
    cost: { flops: S * D, bytes: bytesOf(B * L * D + 2 * S * D) },
    inputs: () => {
      const random = new Random(`maxPositionsBackward ${label}`);
      const dy = floats(random.normals(S * D), [S, D]);
      const own = Math.floor((B * L) / S);
      const index = Array.from({ length: S * D }, (_, i) => {
        const outside = [-1, B * L, -(2 ** 31), 2 ** 31 - 1][i] ?? 0;
        return i < 4 ? outside : Math.floor(i / D) * own + random.integer(0, own - 1);
      });
      return { dy: view ? asView(dy) : dy, index: ints(index, [S, D]) };
    },
    run: (kernel, t) => ({ dx: kernel.maxPositionsBackward({ ...t, batch: B, length: L }) }),
    reference: (v) => ({ dx: result([B, L, D], backwardReference(B, L, D, v.dy, v.index)) }),
  });
}

const S = 3;

export const maxPositions = defineOp("maxPositions", {
  reference,
  cases: [
    build([3, 7, 5], rowsAlone),
    build([2, 33, 17], rowsAlone, { view: true }),
    build([1, 701, 3], rowsAlone, { note: ", a long row" }),
    build([5, 13, 6], pooledRows(5, 13), { view: true }),
    build([2, 9, 301], pooledRows(2, 9, true), { note: ", ranges that reach out of the batch" }),
    build([2, 5, 4], rowsAlone, {
      note: ", equal values, NaN and infinities",
      edit: (x) => {
        // Columns of row 0: equal values, two NaN, nothing but -infinity, infinity twice.
        for (let l = 0; l < 5; l++) x.set([l < 3 ? 2 : 1, l === 1 || l === 3 ? NaN : 9, -Infinity, 1], 4 * l);
        x[7] = Infinity;
        x[15] = Infinity;
      },
    }),
  ],
  rows: { arguments: ["x"], many: [build([manyRows, 9, 37], rowsAlone)], results: ["y"] },
  minimal: {
    args: { x: f32(B, L, D), sequenceIds: i32(B, L), ranges: i32(S, 2) },
    anyWidth: ["x"],
    dense: ["sequenceIds", "ranges"],
    call: (k, t) => {
      const { y, index } = k.maxPositions(t);
      return [y, index];
    },
  },
  outOfRange: (kernel, scope) => {
    const x = scope.use(kernel.zeros([B, L, D], "f32"));
    const ranges = scope.use(kernel.zeros([B, 2], "i32"));
    return [["ranges without sequenceIds", () => kernel.maxPositions({ x, ranges })]];
  },
});

export const maxPositionsBackward = defineTrainingOp("maxPositionsBackward", {
  reference: backwardReference,
  cases: [backwardCase([3, 7, 5], 3), backwardCase([2, 33, 67], 7, true), backwardCase([1, 5, 1001], 2)],
  minimal: {
    args: { dy: f32(S, D), index: i32(S, D) },
    dense: ["index"],
    call: (k, t) => [k.maxPositionsBackward({ ...t, batch: B, length: L })],
  },
  outOfRange: (kernel, scope) => {
    const dy = scope.use(kernel.zeros([B, D], "f32"));
    const index = scope.use(kernel.zeros([B, D], "i32"));
    return [
      ["batch 0", () => kernel.maxPositionsBackward({ dy, index, batch: 0, length: L })],
      ["length NaN", () => kernel.maxPositionsBackward({ dy, index, batch: B, length: NaN })],
    ];
  },
});
