import { classPosition, patchGrid, type VisionConfig } from "./config.ts";
import { type Interpolation, interpolateGrid } from "./interpolateGrid.ts";

/**
 * The position embedding of a model for images of another size. The rows of the patches are interpolated as a grid; that of the class
 * token, whose place among them may change, is kept.
 *
 * @param values [N, D], with the row of the class token N + 1
 */
export function resizePositions(
  values: Float32Array,
  from: VisionConfig,
  to: VisionConfig,
  method: Interpolation,
): Float32Array {
  const { dModel } = from;
  const [fromGrid, toGrid] = [patchGrid(from), patchGrid(to)];
  const at = classPosition(from, fromGrid[0] * fromGrid[1]);
  const rows = Array.from({ length: values.length / dModel }, (_, row) =>
    values.subarray(row * dModel, (row + 1) * dModel),
  );
  const token = at === undefined ? [] : rows.splice(at, 1);
  const patches = interpolateGrid(joined(rows), fromGrid, toGrid, method);
  const count = toGrid[0] * toGrid[1];
  const place = (classPosition(to, count) ?? count) * dModel;
  return joined([patches.subarray(0, place), ...token, patches.subarray(place)]);
}

function joined(chunks: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}
