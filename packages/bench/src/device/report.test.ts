import { expect, test } from "vitest";
import { type DecodeFigure, type ProbeFigure, probeRates } from "./device.ts";
import { describeDecode, describeFigures, describeLinear } from "./report.ts";

const figure = (name: string, kind: string, bytes: number, flops: number, seconds: number): ProbeFigure => ({
  ...{ name, kind, weights: "f32", bytes, flops, dispatches: 1 },
  seconds: { median: seconds, best: seconds },
});

test("cases are fractions of the best rate of each kind of probe", () => {
  const probes = [
    figure("copy", "copy", 2e9, 0, 1),
    figure("slow", "matmul", 1, 1e9, 1),
    figure("fast", "matmul", 1, 4e9, 1),
  ];
  expect(probeRates(probes)).toEqual({ copy: 2e9, matmul: 4e9 });
  expect(describeLinear(probes)).toEqual([]);
  const linear = figure("linear", "linear", 1, 2e9, 1);
  expect(describeLinear([...probes, linear])).toEqual([
    "the speed of linear is 0.50 times that of the fastest matmul",
  ]);
  const { kind: _, ...scan } = figure("scan", "", 1e9, 1e9, 1);
  const lines = describeFigures(probes, [scan], "launches").split("\n");
  expect(lines[0]).toMatch(/^case +weights +launches +.* of copy +GFLOP\/s +of matmul$/);
  expect(lines.at(-1)).toMatch(/^scan +f32 +1 .* 50 % .* 25 %$/);
});

test("a decoded token has counts, and times by op if the device has timestamps", () => {
  const decoded: DecodeFigure = {
    ...{ name: "model", weights: "f16", layers: 4, perToken: { launches: 34, batches: 1.5, bytes: 1000 } },
    ...{ seconds: { median: 0.002, best: 0.001 }, ops: null, productFraction: null },
  };
  expect(describeDecode(decoded, "launches")).toMatch(
    /^model f16, per token: 34 launches, 1\.5 batches, 1\.0 kB \(8\.5 launches per layer, 4 layers\); 2\.00 ms median.*\nno times by op/,
  );
  const ops = [
    { op: "linear", dispatches: 3, seconds: 3e-4 },
    { op: "add", dispatches: 1, seconds: 1e-4 },
  ];
  expect(describeDecode({ ...decoded, ops, productFraction: 0.75 }, "launches")).toMatch(
    /\non the device 400\.0 µs, 75\.0 % of it in products with weights\n +linear +3 +300\.0 µs +75\.0 %/,
  );
});
