import { expect, test } from "vitest";
import { centreOfMass, digitPixels, side } from "./digitPixels.ts";

/** A seven, drawn in the corner of a large canvas. */
const seven = [
  [10, 20, 60, 20],
  [60, 20, 30, 110],
];

/** The extents of the pixels that are at least half ink. */
function extents(pixels: Uint8Array): [width: number, height: number] {
  const at = [...pixels.keys()].filter((i) => pixels[i]! > 127);
  const extent = (values: number[]) => Math.max(...values) - Math.min(...values) + 1;
  return [extent(at.map((i) => i % side)), extent(at.map((i) => Math.floor(i / side)))];
}

test("the longer side fills 20 pixels, and the centre of mass is the centre", () => {
  const pixels = digitPixels(seven)!;
  expect(pixels).toHaveLength(side * side);
  const [width, height] = extents(pixels);
  expect(Math.abs(height - 20)).toBeLessThanOrEqual(1);
  expect(width).toBeLessThan(height);
  for (const coordinate of centreOfMass(pixels)) expect(Math.abs(coordinate - side / 2)).toBeLessThan(0.1);
  // A corner of the box would be elsewhere: the ink of a seven lies above its middle.
  expect(pixels[3 * side + 12]).toBe(0);
});

test("the place and the size of a drawing do not matter", () => {
  const larger = seven.map((stroke) => stroke.map((value) => 3 * value + 40));
  expect(digitPixels(larger)).toEqual(digitPixels(seven));
});

test("a wide drawing fills the width, a dot is a dot, and nothing is nothing", () => {
  expect(extents(digitPixels([[0, 0, 100, 5]])!)[0]).toBeGreaterThanOrEqual(19);
  const [width, height] = extents(digitPixels([[50, 50]])!);
  expect([width, height]).toEqual([2, 2]);
  expect(digitPixels([])).toBeUndefined();
  expect(digitPixels([[]])).toBeUndefined();
});
