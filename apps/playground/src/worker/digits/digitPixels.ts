import type { Stroke } from "../../protocol.ts";

/** Rows and columns of a digit. */
export const side = 28;
/** The longer side of the ink. */
const box = 20;
/** Half the width of a line, about that of the lines of MNIST. */
const radius = 1.2;

/** A point in pixels of the image. */
type Point = readonly [x: number, y: number];

/**
 * Draws the strokes of a digit as MNIST is prepared: the ink fills a box of 20 x 20 pixels with its longer side, and its centre of
 * mass is the centre of 28 x 28. Lines have the same width whatever the size of the drawing.
 *
 * @returns [28, 28] from 0, the ground, to 255; undefined when nothing is drawn
 */
export function digitPixels(strokes: readonly Stroke[]): Uint8Array | undefined {
  const lines = strokes.map(pointsOf).filter(({ length }) => length > 0);
  const points = lines.flat();
  if (points.length === 0) return undefined;
  const [left, right] = extremes(points.map(([x]) => x));
  const [top, bottom] = extremes(points.map(([, y]) => y));
  const extent = Math.max(right - left, bottom - top);
  const scale = extent > 0 ? (box - 2 * radius) / extent : 0;
  const draw = (toX: number, toY: number): Uint8Array => {
    const place = ([x, y]: Point): Point => [
      toX + (x - (left + right) / 2) * scale,
      toY + (y - (top + bottom) / 2) * scale,
    ];
    return render(lines.map((line) => line.map(place)));
  };
  const middle = side / 2;
  const [x, y] = centreOfMass(draw(middle, middle));
  return draw(2 * middle - x, 2 * middle - y);
}

/** The centre of the ink, in pixels from the corner of the image. */
export function centreOfMass(pixels: Uint8Array): Point {
  let [mass, x, y] = [0, 0, 0];
  pixels.forEach((ink, i) => {
    mass += ink;
    x += ink * ((i % side) + 0.5);
    y += ink * (Math.floor(i / side) + 0.5);
  });
  return [x / mass, y / mass];
}

/** Each pixel by its distance to the nearest line, with an edge of one pixel. */
function render(lines: readonly (readonly Point[])[]): Uint8Array {
  return Uint8Array.from({ length: side * side }, (_, i) => {
    const pixel: Point = [(i % side) + 0.5, Math.floor(i / side) + 0.5];
    let nearest = Infinity;
    for (const line of lines) {
      line.forEach((point, k) => {
        nearest = Math.min(nearest, distance(pixel, line[k - 1] ?? point, point));
      });
    }
    return Math.round(255 * Math.min(1, Math.max(0, radius + 0.5 - nearest)));
  });
}

/** From a point to the line from a to b. */
function distance([x, y]: Point, [ax, ay]: Point, [bx, by]: Point): number {
  const [dx, dy] = [bx - ax, by - ay];
  const length = dx * dx + dy * dy;
  const at = length > 0 ? Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / length)) : 0;
  return Math.hypot(x - ax - at * dx, y - ay - at * dy);
}

function pointsOf(stroke: Stroke): Point[] {
  const points: Point[] = [];
  for (let i = 0; i + 1 < stroke.length; i += 2) points.push([stroke[i] ?? 0, stroke[i + 1] ?? 0]);
  return points;
}

function extremes(values: readonly number[]): [least: number, most: number] {
  return values.reduce(
    ([least, most], value) => [Math.min(least, value), Math.max(most, value)],
    [Infinity, -Infinity],
  );
}
