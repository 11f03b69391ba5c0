import { expect, test } from "vitest";
import { lossChartSvg } from "./lossChart.ts";

const points = Array.from({ length: 1000 }, (_, i) => ({ step: i + 1, loss: 4 * 0.995 ** i }));

test("the picture has its frame, its scale and one line that falls", () => {
  const svg = lossChartSvg({ training: points, heldOut: [] }, "a < b & c");
  expect(svg).toContain(">a &lt; b &amp; c</text>");
  expect(svg).toContain(">1000</text>");
  expect(svg).toContain(">5</text>"); // the next round number above 4
  const line = /points="([^"]+)"/.exec(svg)![1]!;
  const heights = line.split(" ").map((pair) => Number(pair.split(",")[1]));
  expect(heights).toHaveLength(500);
  expect(heights).toEqual([...heights].sort((a, b) => a - b));
  expect(Math.max(...heights)).toBeLessThanOrEqual(356);
  expect(Math.min(...heights)).toBeGreaterThanOrEqual(36);
  expect(lossChartSvg({ training: [{ step: 1, loss: 0 }], heldOut: [] }, "one")).not.toMatch(/NaN|Infinity/);
});

test("held-out losses are a second line", () => {
  const heldOut = [100, 500, 1000].map((step) => ({ step, loss: 1 + 4 * 0.995 ** step }));
  const svg = lossChartSvg({ training: points, heldOut }, "both");
  const [, second] = [...svg.matchAll(/points="([^"]+)"/g)].map(([, line]) => line!.split(" "));
  expect(second).toHaveLength(3);
  expect(second!.at(-1)).toMatch(/^704\.0,/); // the last step
  expect(svg).toContain(">held out</text>");
  expect(lossChartSvg({ training: points, heldOut: [] }, "one")).not.toContain("held out");
});
