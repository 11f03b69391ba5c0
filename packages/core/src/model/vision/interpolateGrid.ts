/** How values between the points of a grid are found: from the nearest 2 x 2 or 4 x 4 points. */
export type Interpolation = "bilinear" | "bicubic";

type Size = readonly [rows: number, columns: number];

/**
 * A grid of vectors resampled to another size, as PyTorch's `interpolate` does with `align_corners=False` and without antialiasing:
 * output point i lies at `(i + 1/2) · from / to - 1/2`, and points outside of the grid are those of its edge.
 *
 * @param values [rows, columns, D] of `from`, row-major
 * @returns [rows, columns, D] of `to`
 */
export function interpolateGrid(
  values: Float32Array,
  from: Size,
  to: Size,
  method: Interpolation,
): Float32Array {
  const [fromRows, fromColumns] = from;
  const [toRows, toColumns] = to;
  const width = values.length / (fromRows * fromColumns);
  const rowTaps = taps(fromRows, toRows, method);
  const columnTaps = taps(fromColumns, toColumns, method);
  const out = new Float32Array(toRows * toColumns * width);
  for (const [row, vertical] of rowTaps.entries()) {
    for (const [column, horizontal] of columnTaps.entries()) {
      const sums = new Float64Array(width);
      for (const { index: y, weight: wy } of vertical) {
        for (const { index: x, weight: wx } of horizontal) {
          const start = (y * fromColumns + x) * width;
          for (const [d, value] of values.subarray(start, start + width).entries()) {
            sums[d] = (sums[d] ?? 0) + wy * wx * value;
          }
        }
      }
      out.set(sums, (row * toColumns + column) * width);
    }
  }
  return out;
}

/** A point of the input and its weight in a point of the output. */
interface Tap {
  readonly index: number;
  readonly weight: number;
}

/** The taps of each point of one axis. */
function taps(from: number, to: number, method: Interpolation): Tap[][] {
  const reach = method === "bilinear" ? 1 : 2;
  const weightAt = method === "bilinear" ? triangle : cubic;
  return Array.from({ length: to }, (_, i) => {
    const center = ((i + 0.5) * from) / to - 0.5;
    const first = Math.floor(center) - reach + 1;
    return Array.from({ length: 2 * reach }, (_, k) => ({
      index: Math.min(Math.max(first + k, 0), from - 1),
      weight: weightAt(Math.abs(center - (first + k))),
    }));
  });
}

function triangle(distance: number): number {
  return Math.max(0, 1 - distance);
}

/** The cubic convolution kernel (Keys 1981, equation 4) with a = -3/4. */
function cubic(distance: number): number {
  const a = -0.75;
  const t = distance;
  if (t <= 1) return (a + 2) * t ** 3 - (a + 3) * t ** 2 + 1;
  if (t < 2) return a * (t ** 3 - 5 * t ** 2 + 8 * t - 4);
  return 0;
}
