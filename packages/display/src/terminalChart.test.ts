import { expect, test } from "vitest";
import { lossChartText } from "./terminalChart.ts";

const training = Array.from({ length: 1000 }, (_, i) => ({ step: i + 1, loss: 4 * 0.995 ** i }));

test("the terminal's curve falls from the top left to the bottom right", () => {
  const lines = lossChartText({ training, heldOut: [] }).trimEnd().split("\n");
  expect(lines).toHaveLength(11);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(84);
  const start = lines.findIndex((line) => line.includes("╮"));
  const end = lines.map((line) => line.includes("─")).lastIndexOf(true);
  expect(start).toBe(0);
  expect(end).toBe(10);
});

test("each kind of step has its character, and every row its value", () => {
  const losses = [0, 0, 5, 10, 10, 2];
  const text = lossChartText({ training: losses.map((loss, i) => ({ step: i + 1, loss })), heldOut: [] });
  expect(text).toBe(
    [
      "   10.000 ┤  ╭─╮",
      "    9.000 ┤  │ │",
      "    8.000 ┤  │ │",
      "    7.000 ┤  │ │",
      "    6.000 ┤  │ │",
      "    5.000 ┤ ╭╯ │",
      "    4.000 ┤ │  │",
      "    3.000 ┤ │  │",
      "    2.000 ┤ │  ╰",
      "    1.000 ┤ │",
      "    0.000 ┼─╯",
      "",
    ].join("\n"),
  );
});

test("a curve that is level has one row", () => {
  expect(lossChartText({ training: [{ step: 1, loss: 0.5 }], heldOut: [] })).toBe("    0.500 ┼\n");
});

test("held-out losses are drawn in yellow over the whole width", () => {
  const heldOut = [100, 500, 1000].map((step) => ({ step, loss: 1 + 4 * 0.995 ** step }));
  const lines = lossChartText({ training, heldOut }).trimEnd().split("\n");
  expect(lines).toHaveLength(12);
  expect(lines.at(-1)).toContain("\u001B[33mheld out\u001B[0m");
  expect(lines.slice(0, -1).join("").split("\u001B[33m").length).toBeGreaterThan(70);
});
