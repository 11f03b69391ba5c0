import { expect, test } from "vitest";
import { linearScale, logScale, Plot, ticks } from "./plot.ts";

test.each([
  [400, 5, [0, 100, 200, 300, 400]],
  [3.2, 4, [0, 1, 2, 3]],
  [0.35, 4, [0, 0.1, 0.2, 0.3]],
  [1, 5, [0, 0.2, 0.4, 0.6, 0.8, 1]],
  [120, 5, [0, 25, 50, 75, 100]],
])("ticks up to %d, about %d of them", (end, count, expected) => {
  expect(ticks(end, count)).toEqual(expected);
});

test("scales map their ends to 0 and 1", () => {
  expect([10, 15, 20].map(linearScale(10, 20))).toEqual([0, 0.5, 1]);
  const scale = logScale(1, 10000);
  expect(scale(1)).toBe(0);
  expect(scale(100)).toBeCloseTo(0.5, 12);
  expect(scale(10000)).toBe(1);
});

test("a plot places values in its area, upwards", () => {
  const plot = new Plot({ left: 10, top: 20, width: 100, height: 50 }, linearScale(0, 10), linearScale(0, 1));
  expect([plot.x(0), plot.x(10), plot.y(0), plot.y(1), plot.bottom]).toEqual([10, 110, 70, 20, 70]);
  expect(plot.level(0.5, { stroke: "#ddd" })).toBe('<path d="M10 45.0H110" stroke="#ddd"/>');
  expect(
    plot.line(
      [
        [0, 0],
        [5, 1],
      ],
      { class: "mean" },
    ),
  ).toBe('<polyline points="10.0,70.0 60.0,20.0" class="mean"/>');
  expect(plot.yLabel(1, "a < b")).toBe('<text x="2.0" y="24.0" text-anchor="end">a &lt; b</text>');
  expect(plot.xLabel(10, "10", "end")).toBe('<text x="110.0" y="88.0" text-anchor="end">10</text>');
});
