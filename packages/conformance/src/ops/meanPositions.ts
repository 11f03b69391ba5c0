import { defineCase, defineTrainingCase, floats, type OpCase } from "../case.ts";
import { asView, bytesOf, result } from "../cases/inputs.ts";
import { type Pooled, pooledCount, pooledInputs, pooledRows, rowsAlone } from "../cases/pooling.ts";
import type { Values } from "../math.ts";
import { B, D, defineOp, defineTrainingOp, f32, i32, L, manyRows } from "../opSuite.ts";
import { Random } from "../random.ts";

/** The sequences of a pooling op; without them each row is one. */
interface Sequences {
  sequenceIds?: Values | undefined;
  ranges?: Values | undefined;
}

/** The flattened positions that count for each sequence. */
export function countedPositions(
  batch: number,
  length: number,
  { sequenceIds, ranges }: Sequences,
): number[][] {
  if (sequenceIds === undefined || ranges === undefined) {
    return Array.from({ length: batch }, (_, b) => Array.from({ length }, (_, l) => b * length + l));
  }
  return Array.from({ length: ranges.length / 2 }, (_, s) => {
    const positions = Array.from({ length: batch * length }, (_, p) => p);
    return positions.filter((p) => p >= ranges[2 * s]! && p < ranges[2 * s + 1]! && sequenceIds[p] === s);
  });
}

/** The mean over the positions that count for each sequence of x [B, L, D]; NaN when none counts. */
function reference(
  batch: number,
  length: number,
  channels: number,
  x: Values,
  sequences: Sequences = {},
): Float64Array {
  const counted = countedPositions(batch, length, sequences);
  return Float64Array.from({ length: counted.length * channels }, (_, i) => {
    const positions = counted[Math.floor(i / channels)] ?? [];
    const d = i % channels;
    return positions.reduce((sum, p) => sum + x[p * channels + d]!, 0) / positions.length;
  });
}

/** dx [B, L, D]: dy [S, D] of its sequence, divided by the number of positions, at each position that counts. */
function backwardReference(
  batch: number,
  length: number,
  channels: number,
  dy: Values,
  sequences: Sequences = {},
): Float64Array {
  const dx = new Float64Array(batch * length * channels);
  for (const [s, positions] of countedPositions(batch, length, sequences).entries()) {
    for (const p of positions) {
      for (let d = 0; d < channels; d++) dx[p * channels + d] = dy[s * channels + d]! / positions.length;
    }
  }
  return dx;
}

type Sizes = readonly [B: number, L: number, D: number];

function labelOf([B, L, D]: Sizes, pooled: Pooled | undefined, view: boolean, note: string): string {
  return `B${B} L${L} D${D}${pooled ? ` S${pooled.ranges.length}` : ""}${view ? " of a view" : ""}${note}`;
}

function build(sizes: Sizes, pooled: Pooled | undefined, view = false, note = ""): OpCase {
  const [B, L, D] = sizes;
  const label = labelOf(sizes, pooled, view, note);
  const S = pooled?.ranges.length ?? B;
  return defineCase({
    op: "meanPositions",
    label,
    sizes: { B, L, D, S },
    cost: { flops: B * L * D + S * D, bytes: bytesOf(B * L * D + S * D + pooledCount(pooled)) },
    inputs: () => {
      const data = new Random(`meanPositions ${label}`).normals(B * L * D);
      // Padding must not count, whatever it holds.
      pooled?.ids.forEach((id, p) => {
        if (id < 0) data.fill(NaN, p * D, (p + 1) * D);
      });
      const x = floats(data, [B, L, D]);
      return { x: view ? asView(x) : x, ...pooledInputs(pooled, B, L) };
    },
    run: (kernel, t) => ({ y: kernel.meanPositions(t) }),
    reference: (v) => ({ y: result([S, D], reference(B, L, D, v.x, v)) }),
  });
}

function backwardCase(sizes: Sizes, pooled: Pooled | undefined, view = false, note = ""): OpCase {
  const [B, L, D] = sizes;
  const label = labelOf(sizes, pooled, view, note);
  const S = pooled?.ranges.length ?? B;
  return defineTrainingCase({
    op: "meanPositionsBackward",
    label,
    sizes: { B, L, D, S },
    cost: { flops: B * L * D, bytes: bytesOf(B * L * D + S * D + pooledCount(pooled)) },
    inputs: () => {
      const dy = floats(new Random(`meanPositionsBackward ${label}`).normals(S * D), [S, D]);
      return { dy: view ? asView(dy) : dy, ...pooledInputs(pooled, B, L) };
    },
    run: (kernel, t) => ({ dx: kernel.meanPositionsBackward({ ...t, batch: B, length: L }) }),
    reference: (v) => ({ dx: result([B, L, D], backwardReference(B, L, D, v.dy, v)) }),
  });
}

const S = 3;

export const meanPositions = defineOp("meanPositions", {
  reference,
  cases: [
    build([3, 7, 5], rowsAlone),
    build([2, 33, 17], rowsAlone, true),
    build([1, 701, 3], rowsAlone, false, ", a long row"),
    build([5, 13, 6], pooledRows(5, 13), true),
    build([2, 9, 301], pooledRows(2, 9, true), false, ", ranges that reach out of the batch"),
  ],
  rows: { arguments: ["x"], many: [build([manyRows, 9, 37], rowsAlone)] },
  minimal: {
    args: { x: f32(B, L, D), sequenceIds: i32(B, L), ranges: i32(S, 2) },
    anyWidth: ["x"],
    dense: ["sequenceIds", "ranges"],
    call: (k, t) => [k.meanPositions(t)],
  },
  outOfRange: (kernel, scope) => {
    const x = scope.use(kernel.zeros([B, L, D], "f32"));
    const sequenceIds = scope.use(kernel.zeros([B, L], "i32"));
    return [["sequenceIds without ranges", () => kernel.meanPositions({ x, sequenceIds })]];
  },
});

export const meanPositionsBackward = defineTrainingOp("meanPositionsBackward", {
  reference: backwardReference,
  cases: [
    backwardCase([3, 7, 5], rowsAlone),
    backwardCase([2, 33, 67], rowsAlone, true),
    backwardCase([5, 13, 6], pooledRows(5, 13), true),
    backwardCase([2, 9, 301], pooledRows(2, 9, true), false, ", ranges that reach out of the batch"),
  ],
  minimal: {
    args: { dy: f32(S, D), sequenceIds: i32(B, L), ranges: i32(S, 2) },
    anyWidth: ["dy"],
    dense: ["sequenceIds", "ranges"],
    call: (k, t) => [k.meanPositionsBackward({ ...t, batch: B, length: L })],
  },
  outOfRange: (kernel, scope) => {
    const dy = scope.use(kernel.zeros([B, D], "f32"));
    const ranges = scope.use(kernel.zeros([B, 2], "i32"));
    return [
      ["batch 0", () => kernel.meanPositionsBackward({ dy, batch: 0, length: L })],
      ["length 0.5", () => kernel.meanPositionsBackward({ dy, batch: B, length: 0.5 })],
      ["ranges without ids", () => kernel.meanPositionsBackward({ dy, batch: B, length: L, ranges })],
    ];
  },
});
