import { expect, test } from "vitest";
import { condense, curveSvg, drawCurve, parseLog } from "./curve.ts";

const points = Array.from({ length: 1000 }, (_, i) => ({ step: i + 1, loss: 4 * 0.995 ** i }));

test("reads the log", () => {
  const log =
    '{"step":1,"loss":2.5,"lr":1}\n{"note":"x"}\n{"step":2,"loss":2}\n{"step":2,"evaluation":{"loss":3}}\n';
  expect(parseLog(log)).toEqual({
    training: [
      { step: 1, loss: 2.5 },
      { step: 2, loss: 2 },
    ],
    heldOut: [{ step: 2, loss: 3 }],
  });
});

test("many points become means, few stay as they are", () => {
  expect(condense(points.slice(0, 5), 10)).toEqual(points.slice(0, 5));
  const losses = [1, 3, 5, 7, 9].map((loss, i) => ({ step: i + 1, loss }));
  expect(condense(losses, 3)).toEqual([
    { step: 2, loss: 2 },
    { step: 4, loss: 6 },
    { step: 5, loss: 9 },
  ]);
});

test("the terminal's curve falls from the top left to the bottom right", () => {
  const lines = drawCurve({ training: points, heldOut: [] }).trimEnd().split("\n");
  expect(lines).toHaveLength(11);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(84);
  const start = lines.findIndex((line) => line.includes("╮"));
  const end = lines.map((line) => line.includes("─")).lastIndexOf(true);
  expect(start).toBe(0);
  expect(end).toBe(10);
});

test("the picture has its frame, its scale and one line that falls", () => {
  const svg = curveSvg({ training: points, heldOut: [] }, "a < b & c");
  expect(svg).toContain(">a &lt; b &amp; c</text>");
  expect(svg).toContain(">1000</text>");
  expect(svg).toContain(">5</text>"); // the next round number above 4
  const line = /points="([^"]+)"/.exec(svg)![1]!;
  const heights = line.split(" ").map((pair) => Number(pair.split(",")[1]));
  expect(heights).toHaveLength(500);
  expect(heights).toEqual([...heights].sort((a, b) => a - b));
  expect(Math.max(...heights)).toBeLessThanOrEqual(356);
  expect(Math.min(...heights)).toBeGreaterThanOrEqual(36);
  expect(curveSvg({ training: [{ step: 1, loss: 0 }], heldOut: [] }, "one")).not.toMatch(/NaN|Infinity/);
});

test("held-out losses are a second line, in both pictures", () => {
  const heldOut = [100, 500, 1000].map((step) => ({ step, loss: 1 + 4 * 0.995 ** step }));
  const svg = curveSvg({ training: points, heldOut }, "both");
  const [, second] = [...svg.matchAll(/points="([^"]+)"/g)].map(([, line]) => line!.split(" "));
  expect(second).toHaveLength(3);
  expect(second!.at(-1)).toMatch(/^704\.0,/); // the last step
  expect(svg).toContain(">held out</text>");
  expect(curveSvg({ training: points, heldOut: [] }, "one")).not.toContain("held out");

  const lines = drawCurve({ training: points, heldOut }).trimEnd().split("\n");
  expect(lines).toHaveLength(12);
  expect(lines.at(-1)).toContain("\u001B[33mheld out\u001B[0m");
  expect(lines.slice(0, -1).join("").split("\u001B[33m").length).toBeGreaterThan(70); // drawn over the whole width
});
